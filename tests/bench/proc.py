"""What Linux tells about processes, sockets and the machine (proc(5))."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_SCHEDULED = 2


@dataclass(frozen=True)
class Memory:
    """Of one process: resident now, and the most it ever was."""

    now_kib: int
    peak_kib: int


def cpu_s(pid: int) -> float:
    """Time that the process has computed since its start, in user and kernel mode, all threads, to
    the nanosecond: its CPU clock, whose number is made of its own (clock_getcpuclockid(3)).

    Raises:
        OSError: there is no such process.
    """
    return time.clock_gettime(~pid << 3 | _SCHEDULED)


def memory(pid: int) -> Memory:
    """VmRSS and VmHWM of the process."""
    return read_status(Path(f"/proc/{pid}/status").read_text())


def read_status(text: str) -> Memory:
    """VmRSS and VmHWM of ``/proc/PID/status``."""
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    now, peak = (int(fields[name].split()[0]) for name in ("VmRSS", "VmHWM"))
    return Memory(now, peak)


def threads(pid: int) -> int:
    """How many the process has."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def udp_drops(ports: set[int]) -> int:
    """Datagrams that the kernel threw away because these local sockets were not read in time."""
    return read_udp(Path("/proc/net/udp").read_text(), ports)


def read_udp(text: str, ports: set[int]) -> int:
    """The sum of ``drops`` in ``/proc/net/udp`` over the sockets of these local ports."""
    rows = (line.split() for line in text.splitlines()[1:])
    return sum(int(row[-1]) for row in rows if int(row[1].rpartition(":")[2], 16) in ports)


def busy_s() -> float:
    """Time that all cores together have computed since the start of the machine."""
    return read_busy(Path("/proc/stat").read_text())


def read_busy(text: str) -> float:
    """All but ``idle`` and ``iowait`` of the first line of ``/proc/stat``, in seconds."""
    user, nice, system, _, _, irq, softirq, steal = map(int, text.split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_S


def machine() -> str:
    """Cores, processor, kernel and Python of this machine, in one line."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"{os.cpu_count()} cores ({model}), Linux {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def files(pid: int) -> int:
    """Handles that the process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def waited_s(pid: int) -> float:
    """Time that the process's first thread was ready to run and had no core."""
    return read_schedstat(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text())


def read_schedstat(text: str) -> float:
    """The second field, in seconds: nanoseconds on a run queue."""
    return int(text.split()[1]) * 1e-9


def wakes(pid: int) -> int:
    """How often the process's first thread has waited for something so far, and was woken."""
    return read_wakes(Path(f"/proc/{pid}/task/{pid}/status").read_text())


def read_wakes(text: str) -> int:
    """``voluntary_ctxt_switches`` of a ``status`` file."""
    name = "voluntary_ctxt_switches:"
    return int(next(line for line in text.splitlines() if line.startswith(name)).split()[1])
