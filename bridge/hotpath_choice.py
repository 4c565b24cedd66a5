"""Which implementation of the packet path a node runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from bridge.hotpath import HotPath
from bridge.hotpath_plain import PlainPath
from bridge.metrics import Counters

HotPathChoice = Literal["auto", "compiled", "python"]
HotPathMaker = Callable[[Counters, Callable[[], float], Callable[[], None]], HotPath]


def choose(choice: HotPathChoice = "auto") -> HotPathMaker:
    """The constructor of it: ``auto`` takes the compiled one where it was built.

    Raises:
        ImportError: the compiled one is wanted and was not built.
    """
    if choice == "python":
        return PlainPath
    try:
        from bridge.hotpath_fast import FastPath
    except ImportError:
        if choice == "compiled":
            raise
        return PlainPath
    return FastPath
