"""Two network namespaces with a cable between them, whose rate, losses and cuts a test decides.

Made of `ip netns`, a veth pair, `tbf` and nftables, so it needs root; everything is inside
namespaces that this made and takes away again, and nothing else on the machine is touched. Losses
are dropped on *input*: on output, `sendto` itself would fail.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NEAR, FAR = "198.18.1.1", "198.18.1.2"
"""Of the block that is set aside for benchmarks (RFC 2544 appendix C)."""

_CLONE_NEWNET = 0x40000000
_CABLE = "cable"
_serial = itertools.count(1)


@dataclass(frozen=True)
class Profile:
    """What is wrong: rates in bits/s (None: as fast as it goes), losses 0–1, and how much may wait
    in front of a slow part, in seconds. *Down* is from near to far. A firewall may let no UDP
    through, either way."""

    name: str
    down_bps: int | None = None
    up_bps: int | None = None
    down_loss: float = 0.0
    up_loss: float = 0.0
    queue_s: float = 0.3
    udp: bool = True


FREE = Profile("đường tốt")
SLOW_DOWN = Profile("chiều xuống 400 kbit/s", down_bps=400_000)
LOSSY = Profile("mất gói 5 %", down_loss=0.05)
CUT = Profile("cáp đứt", down_loss=1.0, up_loss=1.0)
NO_UDP = Profile("tường lửa chặn UDP", udp=False)


class NoNamespaceError(RuntimeError):
    """No namespace can be made here; the text says why and what to do."""


class Cable:
    """The namespaces `near` and `far`, with the addresses `NEAR` and `FAR`.

    Use it as a context manager.

    Raises:
        NoNamespaceError: not root, or `ip`, `tc` or `nft` is missing.
    """

    def __init__(self) -> None:
        serial = f"{os.getpid()}-{next(_serial)}"
        self.near, self.far = f"diemcau-near-{serial}", f"diemcau-far-{serial}"

    def __enter__(self) -> Cable:
        if os.geteuid() != 0:
            raise NoNamespaceError(
                "bad networks are made of network namespaces: run this test as root"
            )
        try:
            self._make()
        except (OSError, subprocess.CalledProcessError) as error:
            self.__exit__()
            said = getattr(error, "stderr", "") or error
            raise NoNamespaceError(
                f"no network namespaces here ({said}); they need ip, tc and nft"
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        for name in (self.near, self.far):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)

    def _make(self) -> None:
        for name in (self.near, self.far):
            _run("ip", "netns", "add", name)
            _run("ip", "-n", name, "link", "set", "lo", "up")
        _run("ip", "-n", self.near, "link", "add", _CABLE, "type", "veth",
             "peer", "name", _CABLE, "netns", self.far)  # fmt: skip
        for name, own, other in ((self.near, NEAR, FAR), (self.far, FAR, NEAR)):
            _run("ip", "-n", name, "address", "add", f"{own}/30", "dev", _CABLE)
            _run("ip", "-n", name, "link", "set", _CABLE, "up")
            # a bundle of datagrams would be lost, or kept, as one
            _run("ip", "-n", name, "link", "set", _CABLE, "gso_max_segs", "1")
            # a browser looks for its address by its way to the world
            _run("ip", "-n", name, "route", "add", "default", "via", other)

    def be(self, profile: Profile) -> None:
        """From now on the cable is like this."""
        for name, rate_bps in ((self.near, profile.down_bps), (self.far, profile.up_bps)):
            device = ("dev", _CABLE, "root")
            subprocess.run(
                ["tc", "-n", name, "qdisc", "del", *device], capture_output=True, check=False
            )
            if rate_bps is not None:
                _run("tc", "-n", name, "qdisc", "add", *device, "tbf", "rate", f"{rate_bps}bit",
                     "burst", "5000", "latency", f"{round(1000 * profile.queue_s)}ms")  # fmt: skip
        for name, loss in ((self.far, profile.down_loss), (self.near, profile.up_loss)):
            _run("ip", "netns", "exec", name, "nft", "-f", "-", text=_losses(loss, profile.udp))

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Sockets that are made in this block belong to that namespace, for ever.

        For this thread alone; do not await in it.
        """
        libc = ctypes.CDLL(None, use_errno=True)
        home_path, other_path = Path("/proc/thread-self/ns/net"), Path("/run/netns", name)
        with home_path.open() as home, other_path.open() as other:
            _enter(libc, other.fileno())
            try:
                yield
            finally:
                _enter(libc, home.fileno())

    def wrapped(self, name: str, executable: str, folder: Path) -> Path:
        """A script that runs this program in that namespace, for who only takes a path."""
        script = folder / f"in-{name}"
        script.write_text(f'#!/bin/sh\nexec ip netns exec {name} {executable} "$@"\n')
        script.chmod(0o700)
        return script


def _losses(loss: float, udp: bool) -> str:
    """An nftables script; the whole ruleset of the namespace is ours."""
    share = round(loss * 1000)
    rule = "drop" if share >= 1000 else f"numgen random mod 1000 < {share} drop"
    return f"""flush ruleset
table inet cable {{
  chain lost {{
    type filter hook input priority 0
    {f"iifname {_CABLE} meta l4proto udp {rule}" if share else ""}
    {f"iifname {_CABLE} {rule}" if share >= 1000 else ""}
    {"" if udp else f"iifname {_CABLE} meta l4proto udp drop"}
  }}
}}
"""


def _enter(libc: ctypes.CDLL, namespace: int) -> None:
    if libc.setns(namespace, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _run(*words: str, text: str | None = None) -> None:
    subprocess.run(words, input=text, check=True, capture_output=True, text=True)
