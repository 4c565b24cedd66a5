"""What a process has freed, the system gets back."""

from __future__ import annotations

from pathlib import Path

from cli.memory import give_back


def resident_kib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


def test_holes_in_the_heap_are_given_back() -> None:
    pieces = [bytes(100_000) for _ in range(1000)]
    # what stays lies between the holes
    del pieces[::2]
    kept = [bytes(600) for _ in range(10)]
    full = resident_kib()
    del pieces[1::2]

    assert give_back()
    assert resident_kib() < full - 20_000
    assert len(kept) == 10
