"""Two network namespaces with a cable between them, whose rate, delay, losses and cuts a test
decides.

Made of `ip netns`, a TUN device in each and a process between them (`relay.py`), so it needs root;
everything is inside namespaces that this made and takes away again, and nothing else on the
machine is touched.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import itertools
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

NEAR, FAR = "198.18.1.1", "198.18.1.2"
"""Of the block that is set aside for benchmarks (RFC 2544 appendix C)."""

_CLONE_NEWNET = 0x40000000
_CABLE = "cable"
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x1, 0x1000
_serial = itertools.count(1)


@dataclass(frozen=True)
class Profile:
    """What is wrong: rates in bits/s (None: as fast as it goes), losses 0–1, and how much may wait
    in front of a slow part, in seconds. *Down* is from near to far. Each way takes `delay_s`, and
    up to `jitter_s` more, in order but for the share `overtaken`. A firewall may let no UDP
    through, either way."""

    name: str
    down_bps: int | None = None
    up_bps: int | None = None
    down_loss: float = 0.0
    up_loss: float = 0.0
    queue_s: float = 0.3
    delay_s: float = 0.0
    jitter_s: float = 0.0
    overtaken: float = 0.0
    udp: bool = True


FREE = Profile("đường tốt")
SLOW_DOWN = Profile("chiều xuống 400 kbit/s", down_bps=400_000)
FAR_AWAY = Profile("đường xa", down_loss=0.05, up_loss=0.05, delay_s=0.1, jitter_s=0.03)
LOSSY = Profile("mất gói 5 %", down_loss=0.05)
CUT = Profile("cáp đứt", down_loss=1.0, up_loss=1.0)
NO_UDP = Profile("tường lửa chặn UDP", udp=False)


class NoNamespaceError(RuntimeError):
    """No namespace can be made here; the text says why and what to do."""


class Cable:
    """The namespaces `near` and `far`, with the addresses `NEAR` and `FAR`.

    Use it as a context manager.

    Raises:
        NoNamespaceError: not root, or `ip` or /dev/net/tun is missing.
    """

    def __init__(self) -> None:
        serial = f"{os.getpid()}-{next(_serial)}"
        self.near, self.far = f"diemcau-near-{serial}", f"diemcau-far-{serial}"
        self._relay: subprocess.Popen[str] | None = None

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
                f"no network namespaces here ({said}); they need ip and /dev/net/tun"
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._relay is not None:
            self._relay.communicate()
        for name in (self.near, self.far):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)

    def _make(self) -> None:
        devices = []
        for name, own in ((self.near, NEAR), (self.far, FAR)):
            _run("ip", "netns", "add", name)
            devices.append(self._device(name))
            _run("ip", "-n", name, "link", "set", "lo", "up")
            _run("ip", "-n", name, "address", "add", f"{own}/30", "dev", _CABLE)
            _run("ip", "-n", name, "link", "set", _CABLE, "txqueuelen", "10000", "up")
            # a browser looks for its address by its way to the world
            _run("ip", "-n", name, "route", "add", "default", "dev", _CABLE)
        self._relay = subprocess.Popen(
            [sys.executable, "-m", "tests.network.relay", *map(str, devices)],
            pass_fds=devices, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        for device in devices:
            os.close(device)
        self.be(FREE)

    def _device(self, name: str) -> int:
        """This end of the cable, as a file of packets."""
        with self.inside(name):
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            try:
                flags = struct.pack("16sH22x", _CABLE.encode(), _IFF_TUN | _IFF_NO_PI)
                fcntl.ioctl(device, _TUNSETIFF, flags)
            except OSError:
                os.close(device)
                raise
        return device

    def be(self, profile: Profile) -> None:
        """From now on the cable is like this; what was sent before went by what it was."""
        relay = self._relay
        assert relay is not None
        assert relay.stdin is not None
        assert relay.stdout is not None
        print(json.dumps(asdict(profile)), file=relay.stdin, flush=True)
        if not relay.stdout.readline():
            raise OSError(f"the relay ended with {relay.wait()}")

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


def _enter(libc: ctypes.CDLL, namespace: int) -> None:
    if libc.setns(namespace, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True)
