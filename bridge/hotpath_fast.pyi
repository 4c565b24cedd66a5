from collections.abc import Callable, Sequence

from bridge.hotpath import Leg
from bridge.metrics import Counters
from bridge.slot import Slot
from bridge.source import Packet

class FastPath:
    name: str
    def __init__(
        self, counters: Counters, clock: Callable[[], float], on_pending: Callable[[], None]
    ) -> None: ...
    def leg(self, now: float) -> Leg: ...
    def forward(self, now: float, packet: Packet, slots: Sequence[Slot], /) -> None: ...
    def flush(self, now: float) -> float | None: ...
