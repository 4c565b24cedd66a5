from collections import Counter
from collections.abc import Callable, Sequence

from bridge.ceiling import Ceiling
from bridge.congestion import TransportFeedback
from bridge.hotpath import Desk, Flow, Gate, Leg, Reader
from bridge.metrics import Counters
from bridge.slot import Slot
from bridge.source import Packet

class FastPath:
    name: str
    def __init__(
        self, counters: Counters, clock: Callable[[], float], on_pending: Callable[[], None]
    ) -> None: ...
    def leg(self, now: float) -> Leg: ...
    def gate(
        self,
        flow: Flow,
        dropped: Counter[str],
        ceiling: Ceiling,
        arrivals: TransportFeedback,
        number_extension: int | None,
    ) -> Gate: ...
    def reader(self, desk: Desk, descriptor: int, counters: Counters) -> Reader: ...
    def forward(self, now: float, packet: Packet, slots: Sequence[Slot], /) -> None: ...
    def flush(self, now: float) -> float | None: ...
