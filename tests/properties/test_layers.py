"""Whatever publishers, receivers and budgets do: every receiver gets one stream without a seam."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bridge.slot import Slot
from bridge.source import Source
from tests.fakes.matrix import Matrix
from tests.fakes.streams import Camera, ReceivingLeg

NAMES = st.sampled_from("qhf")
PORTS = st.sampled_from(["1", "2"])
SLOTS = st.sampled_from(["stage:1", "preview:1", "thumb:1"])


class Layers(RuleBasedStateMachine):
    """Two publishers of three layers, one receiver of three slots, in random order."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = Matrix()
        self.cameras: dict[tuple[str, str], Camera] = {}
        self.sources: dict[tuple[str, str], Source] = {}
        self.slots: dict[str, tuple[Slot, ReceivingLeg]] = {}
        self.routes: dict[str, str] = {}
        self.ceilings: dict[str, int | None] = defaultdict(lambda: 1000)
        self.owners: dict[str, int] = defaultdict(int)
        self.numbers = 0
        self.answered = 0

    @initialize(slots=st.sets(SLOTS, min_size=1))
    def receivers_wait(self, slots: set[str]) -> None:
        for slot in sorted(slots):
            self.a_receiver_comes(slot)
            self.a_route_changes(slot, "1")
        self.an_encoder_begins("1")

    # --- what may happen ------------------------------------------------------------------------

    @rule(port=PORTS)
    def an_encoder_begins(self, port: str) -> None:
        for name in "qhf":
            self.a_frame_comes(port, name, keyframe=True, parts=2)

    @rule(port=PORTS, name=NAMES, keyframe=st.booleans(), parts=st.integers(1, 3))
    def a_frame_comes(self, port: str, name: str, keyframe: bool, parts: int) -> None:
        key = port, name
        if key not in self.sources:
            self.numbers += 1
            self.cameras[key] = Camera(self.numbers % 200, sequence=65_530)
            self.sources[key] = self.matrix.publish_layer(
                self.cameras[key], name, port, owner=f"{port}/{self.owners[port]}"
            )
        self._send(key, self.cameras[key].frame(keyframe=keyframe, parts=parts))

    @rule(port=PORTS, names=st.permutations("qhf"))
    def an_encoder_answers(self, port: str, names: list[str]) -> None:
        for name in names:
            key = port, name
            if key in self.sources:
                self._send(key, self.cameras[key].frame(keyframe=True))

    @rule(port=PORTS, name=NAMES, order=st.permutations(range(4)))
    def packets_overtake_each_other(self, port: str, name: str, order: list[int]) -> None:
        if (port, name) in self.sources:
            camera = self.cameras[port, name]
            packets = [*camera.frame(keyframe=True), *camera.frame()]
            self._send((port, name), [packets[index] for index in order])

    @rule(port=PORTS, name=NAMES, lost=st.sampled_from([1, 5, 100, 300, 40_000]))
    def packets_are_lost(self, port: str, name: str, lost: int) -> None:
        if (port, name) in self.cameras:
            self.cameras[port, name].sequence += lost

    @rule(port=PORTS, name=NAMES)
    def padding_comes(self, port: str, name: str) -> None:
        if (port, name) in self.sources:
            self._send((port, name), [self.cameras[port, name].padding()])

    @rule(port=PORTS, name=NAMES)
    def a_source_ends(self, port: str, name: str) -> None:
        source = self.sources.pop((port, name), None)
        if source is not None:
            self.matrix.unpublish(source)

    @rule(port=PORTS)
    def a_publisher_is_replaced(self, port: str) -> None:
        self.owners[port] += 1
        for key in [one for one in self.sources if one[0] == port]:
            self.matrix.unpublish(self.sources.pop(key))

    @rule(slot=SLOTS, port=st.sampled_from(["1", "2", "nobody"]))
    def a_route_changes(self, slot: str, port: str) -> None:
        self.routes[slot] = port
        self.matrix.route(*[f"r {name} {source}" for name, source in self.routes.items()])

    @rule(slot=SLOTS)
    def a_receiver_comes(self, slot: str) -> None:
        if slot not in self.slots:
            self.slots[slot] = self.matrix.receive("r", slot, first_sequence=32_760)

    @rule(slot=SLOTS, rank=st.sampled_from([None, 0, 1, 2, 1000]))
    def a_budget_changes(self, slot: str, rank: int | None) -> None:
        if slot in self.slots:
            self.ceilings[slot] = rank
            self.matrix.cap(self.slots[slot][0], rank)

    @precondition(lambda self: self.slots)
    @rule(slot=SLOTS)
    def a_receiver_asks(self, slot: str) -> None:
        if slot in self.slots:
            self.matrix.picture_loss(self.slots[slot][0])

    @rule(seconds=st.sampled_from([0.01, 0.1, 0.5, 4.0]))
    def time_passes(self, seconds: float) -> None:
        self.matrix.pass_time(seconds)

    # --- what must hold -------------------------------------------------------------------------

    @invariant()
    def no_number_is_given_twice_and_pictures_never_go_back(self) -> None:
        for _, leg in self.slots.values():
            received = leg.received()
            numbers = [one.sequence for one in received]
            assert len(set(numbers)) == len(numbers)
            in_order = sorted(received, key=lambda one: one.sequence)
            pictures = [one.picture for one in in_order]
            assert pictures == sorted(pictures)
            times = [one.timestamp for one in in_order]
            assert times == sorted(times)

    @invariant()
    def each_change_of_source_is_at_a_keyframe(self) -> None:
        for _, leg in self.slots.values():
            shown = None
            for one in sorted(leg.received(), key=lambda one: one.sequence):
                if one.label.source != shown:
                    assert one.starts_keyframe
                    assert one.label.part == 0
                    shown = one.label.source

    @invariant()
    def a_slot_shows_its_route_and_no_more_than_its_ceiling(self) -> None:
        for name, (slot, _) in self.slots.items():
            if self.ceilings[name] is None or self.routes.get(name, "nobody") == "nobody":
                assert slot.source is None
            if slot.source is not None:
                assert slot.source in self.sources.values()

    @invariant()
    def the_lowest_layer_is_always_wanted_and_words_are_news(self) -> None:
        said: dict[str, list[str]] = {}
        for _, wanted in self.matrix.wanted:
            assert wanted.layers[0] == "q"
            said[wanted.port] = wanted.layers
        for held in self.matrix.crosspoint.layers_wanted():
            assert said[held.port] == held.layers

    def _send(self, key: tuple[str, str], packets: list[bytes]) -> None:
        self.matrix.send(self.sources[key], *packets)

    def teardown(self) -> None:
        for source in list(self.sources.values()):
            self.matrix.unpublish(source)
        for slot, _ in self.slots.values():
            self.matrix.unreceive(slot)
        self.matrix.pass_time(20.0)
        crosspoint = self.matrix.crosspoint
        assert crosspoint.next_deadline() is None
        assert not crosspoint._feeds
        assert not crosspoint._bound
        assert not crosspoint._aims
        assert not crosspoint._receivers


TestLayers = pytest.mark.timeout(120)(Layers.TestCase)
TestLayers.settings = settings(max_examples=150, stateful_step_count=60)
