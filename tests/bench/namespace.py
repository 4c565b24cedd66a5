"""A network namespace with one local address, in which both ends of a measurement live.

Janus passes over loopback interfaces, so one end of a veth pair carries the address. All traffic
is from this address to itself; there is no way out.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

INTERFACE = "bench0"
ADDRESS = "198.18.0.1"
"""Of the block that is set aside for benchmarks (RFC 2544 appendix C)."""


@dataclass(frozen=True)
class Place:
    """Where to run: what to put before a command, and which address to use for media."""

    prefix: tuple[str, ...]
    address: str

    @property
    def isolated(self) -> bool:
        """Whether it is a namespace of its own, or this machine's loopback."""
        return bool(self.prefix)


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """A namespace that is gone afterwards; this machine's loopback where none can be made."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        yield Place((), "127.0.0.1")
        return
    name = f"diemcau-bench-{os.getpid()}"
    _ip("netns", "add", name)
    try:
        _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", name, "link", "add", INTERFACE, "type", "veth", "peer", "name", "bench1")
        _ip("-n", name, "address", "add", f"{ADDRESS}/32", "dev", INTERFACE)
        for interface in (INTERFACE, "bench1"):
            _ip("-n", name, "link", "set", interface, "up")
        yield Place(("ip", "netns", "exec", name), ADDRESS)
    finally:
        _ip("netns", "delete", name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
