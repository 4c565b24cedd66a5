"""A crosspoint with publishers and receivers at its ports, driven in simulated time."""

from __future__ import annotations

from bridge.codecs import H264, OPUS, VP8
from bridge.crosspoint import Crosspoint
from bridge.hotpath_choice import choose
from bridge.layers import LayerPlan
from bridge.metrics import Counters
from bridge.slot import Slot
from bridge.source import Source
from bridge.wiring import KeyframeRequest
from signaling.wire.control import LayersWanted, Route, Routes, RoutesHeld
from signaling.wire.ids import Port, Scope, SlotName, slot_media
from tests.fakes.streams import Camera, Encoder, Microphone, ReceivingLeg

SCOPE = Scope("c")


class Matrix:
    """Ports are the publishers' numbers; receiver ports are names. `asked` gathers the requests."""

    def __init__(self) -> None:
        self.now = 0.0
        self.crosspoint = Crosspoint(choose()(Counters(), lambda: 0.0, lambda: None))
        self.asked: list[tuple[float, Source]] = []
        self.wanted: list[tuple[float, LayersWanted]] = []
        self.revision = 0

    def publish(self, publisher: Camera | Encoder | Microphone, port: str = "") -> Source:
        source = publisher.source()
        track = "mic" if isinstance(publisher, Microphone) else "camera"
        name = Port(port or str(publisher.number))
        self._note(self.crosspoint.add_source(self.now, SCOPE, name, track, source))
        return source

    def publish_layer(
        self, camera: Camera, layer: str, port: str = "1", layers: str = "qhf", owner: str = "it"
    ) -> Source:
        """One layer of a simulcast publisher; `layers` are the names, "alt main" two sections."""
        sections = tuple((one,) for one in layers.split()) if " " in layers else (tuple(layers),)
        section = layer if " " in layers else owner
        source = camera.source(section)
        plan = LayerPlan(owner, sections)
        self._note(
            self.crosspoint.add_source(self.now, SCOPE, Port(port), "camera", source, layer, plan)
        )
        return source

    def unpublish(self, source: Source) -> None:
        self._note(self.crosspoint.remove_source(self.now, source))

    def receive(
        self,
        port: str = "r",
        name: str = "stage:1",
        leg: ReceivingLeg | None = None,
        first_sequence: int = 10,
        first_timestamp: int = 20,
        first_picture_id: int = 30,
        h264: bool = False,
    ) -> tuple[Slot, ReceivingLeg]:
        leg = leg or ReceivingLeg()
        audio = slot_media(SlotName(name)) == "audio"
        slot = Slot(
            OPUS if audio else H264 if h264 else VP8,
            leg.leg.outlet(
                0xAA, 111 if audio else 108 if h264 else 97, urgent=audio, nack=not audio
            ),
            first_sequence=first_sequence,
            first_timestamp=first_timestamp,
            first_picture_id=first_picture_id,
        )
        self._note(self.crosspoint.add_slot(self.now, SCOPE, Port(port), SlotName(name), slot))
        return slot, leg

    def unreceive(self, slot: Slot) -> None:
        self._note(self.crosspoint.remove_slot(self.now, slot))

    def route(self, *routes: str, speakers: str = "") -> RoutesHeld:
        """The whole table, as "port slot source": ``r stage:1 1``; open microphones: ``1 2 3``."""
        put = []
        for text in routes:
            port, slot, source = text.split()
            track = "mic" if slot_media(SlotName(slot)) == "audio" else "camera"
            put.append(Route(Port(port), SlotName(slot), Port(source), track))
        self.revision += 1
        held, outputs = self.crosspoint.apply(
            self.now,
            Routes(
                self.revision,
                SCOPE,
                1,
                self.revision,
                None,
                put,
                speakers=[Port(port) for port in speakers.split()],
            ),
        )
        self._note(outputs)
        return held

    def send(self, source: Source, *packets: bytes) -> None:
        for packet in packets:
            self._note(self.crosspoint.forward(self.now, source, packet))

    def cap(self, slot: Slot, rank: int | None) -> None:
        self._note(self.crosspoint.cap(self.now, slot, rank))

    def picture_loss(self, slot: Slot) -> None:
        self._note(self.crosspoint.request_keyframe(self.now, slot))

    def pass_time(self, seconds: float) -> None:
        """Let time pass, waking the crosspoint at each of its deadlines."""
        end = self.now + seconds
        while (deadline := self.crosspoint.next_deadline()) is not None and deadline <= end:
            assert deadline >= self.now
            self.now = deadline
            self._note(self.crosspoint.handle_timeout(deadline))
        self.now = end

    def _note(self, outputs: object) -> None:
        assert isinstance(outputs, list | tuple)
        for output in outputs:
            if isinstance(output, LayersWanted):
                self.wanted.append((self.now, output))
                continue
            assert isinstance(output, KeyframeRequest)
            self.asked.append((self.now, output.source))
