"""Short turns at the processor: who forwards is woken often, and is ready soon.

Beside processes that compute for milliseconds (a worker that decodes, say), a task that becomes
ready waits until the other's turn is over. Linux lets one ask for a shorter turn (sched_setattr(2),
``sched_runtime``, since 6.12), and lets that one go first; its share stays what it was, and no
right is needed. Older kernels ignore it.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from typing import Final

TURN_NS: Final = 100_000
"""The shortest that the kernel grants."""
_SYSCALLS: Final = {"x86_64": 314, "aarch64": 274}
# size, policy (0: SCHED_OTHER), flags, nice, priority, runtime, deadline, period
_ATTRIBUTES: Final = struct.Struct("=IIQiIQQQ")


def ask_for_short_turns(machine: str | None = None) -> bool:
    """Ask for this thread, and all that it will start; whether the kernel took it. False on a
    `machine` whose call is not known here; by default it is this one."""
    number = _SYSCALLS.get(machine or platform.machine())
    if number is None:
        return False
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    attributes = _ATTRIBUTES.pack(_ATTRIBUTES.size, 0, 0, nice, 0, TURN_NS, 0, 0)
    refused: int = ctypes.CDLL(None).syscall(number, 0, ctypes.c_char_p(attributes), 0)
    return refused == 0
