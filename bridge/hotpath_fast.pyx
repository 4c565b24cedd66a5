# cython: language_level=3
"""The packet path, compiled: `hotpath_plain` with its loops in C, and a short way in."""

from bridge.hotpath_fanout import FastFanout
from bridge.hotpath_gate import FastGate
from bridge.hotpath_reader import FastReader


class FastPath(FastFanout):
    """See `hotpath.HotPath`; arguments as of `hotpath_plain.PlainPath`."""

    name = "compiled"

    def gate(self, flow, dropped, ceiling, arrivals, number_extension):
        """See `hotpath.HotPath`."""
        return FastGate(self, flow, dropped, ceiling, arrivals, number_extension or 0)

    def reader(self, desk, descriptor, counters):
        """See `hotpath.HotPath`."""
        return FastReader(desk, descriptor, counters)
