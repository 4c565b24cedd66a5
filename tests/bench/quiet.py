"""Whether the machine does anything else meanwhile: then a measurement is worth less."""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from tests.bench import proc

T = TypeVar("T")

HIGHEST = -20
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


def come_first() -> None:
    """Give this process, and all that it will start, the highest priority, if that is allowed.

    Call it in a process that leads a session of its own: where the kernel groups processes by
    session (sched(7), autogroup), a priority counts within its group only; the group gets it too.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, HIGHEST)
        Path("/proc/self/autogroup").write_text(str(HIGHEST))


def bring_along(pids: Iterable[int]) -> None:
    """Give these processes' sessions this one's place, if `come_first` was called for it: each of
    their sessions is a group of its own to the kernel."""
    if os.getpriority(os.PRIO_PROCESS, 0) == HIGHEST:
        for pid in pids:
            with contextlib.suppress(OSError):
                Path(f"/proc/{pid}/autogroup").write_text(str(HIGHEST))


def _others_s() -> float:
    """What all processes but this one and those that it started have computed."""
    own = (resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return proc.busy_s() - sum(used.ru_utime + used.ru_stime for used in own)
