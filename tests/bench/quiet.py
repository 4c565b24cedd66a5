"""Whether the machine does anything else meanwhile: then a measurement is worth less."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import TypeVar

from tests.bench import proc

T = TypeVar("T")

QUIET = 0.15
"""Share of one core that all else may take."""
_LOOK_S = 0.5


class Patience:
    """Waits for a quiet machine, and measures again what was disturbed, `seconds` long in all."""

    def __init__(self, seconds: float) -> None:
        self.left_s = seconds
        self.disturbed = 0

    def measure(self, do: Callable[[], T]) -> T:
        """Do it when it is quiet, and once more if it was disturbed, while patience lasts.

        What `do` starts must have ended when it returns. Raises what it raises.
        """
        while True:
            self._wait()
            begin, before = time.monotonic(), _others_s()
            found = do()
            took = time.monotonic() - begin
            if (_others_s() - before) / took <= QUIET:
                return found
            if self.left_s <= 0:
                self.disturbed += 1
                return found
            self.left_s -= took

    def _wait(self) -> None:
        while self.left_s > 0:
            before = _others_s()
            time.sleep(_LOOK_S)
            if (_others_s() - before) / _LOOK_S <= QUIET:
                return
            self.left_s -= _LOOK_S


def _others_s() -> float:
    """What all processes but this one and those that it started have computed."""
    own = (resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return proc.busy_s() - sum(used.ru_utime + used.ru_stime for used in own)
