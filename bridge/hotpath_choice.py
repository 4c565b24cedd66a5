"""Which implementation of the packet path a node runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from bridge.hotpath import HotPath
from bridge.hotpath_plain import PlainPath
from bridge.metrics import Counters

PacketPath = Literal["auto", "compiled", "python"]
HotPathMaker = Callable[[Counters, Callable[[], float], Callable[[], None]], HotPath]


class NotBuiltError(Exception):
    """The compiled packet path is wanted, but was not built; the text says what is missing."""


def choose(choice: PacketPath = "auto") -> HotPathMaker:
    """The constructor of it: ``auto`` takes the compiled one where it was built.

    Raises:
        NotBuiltError: the compiled one is wanted and is not there.
    """
    if choice == "python":
        return PlainPath
    try:
        from bridge.hotpath_fast import FastPath
    except ImportError as error:
        if choice == "compiled":
            raise NotBuiltError(str(error)) from None
        return PlainPath
    return FastPath


def packet_path(choice: PacketPath) -> Literal["compiled", "python"]:
    """The name of what `choose` takes. Raises as that does."""
    return "python" if choose(choice) is PlainPath else "compiled"
