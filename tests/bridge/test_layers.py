"""Layers of a track: who shows which, in simulated time, through the crosspoint and alone."""

from __future__ import annotations

import pytest

from bridge.layers import (
    HOLD_S,
    LOOK_S,
    OFF_AFTER_S,
    SILENT_S,
    STEADY_S,
    Ladder,
    LayerPlan,
    ranked,
)
from bridge.slot import Slot
from bridge.source import Source
from tests.fakes.matrix import Matrix
from tests.fakes.streams import Camera

FRAME_S = 0.1


class Simulcast:
    """A publisher of layers on port 1 that answers keyframe requests as one encoder does."""

    def __init__(self, matrix: Matrix, *names: str, layers: str = "qhf") -> None:
        self.matrix = matrix
        self.layers = layers
        self.cameras = {name: Camera(index) for index, name in enumerate(names, 1)}
        self.sources: dict[str, Source] = {}
        self.on = set(names)
        self.answers = True
        self._answered = 0

    def play(self, seconds: float) -> None:
        """Frames of every layer that is on, lowest first, ten a second."""
        for _ in range(round(seconds / FRAME_S)):
            asked = len(self.matrix.asked) > self._answered and self.answers
            self._answered = len(self.matrix.asked)
            for name, camera in self.cameras.items():
                if name in self.on:
                    self.frame(name, camera, keyframe=asked)
            self.matrix.pass_time(FRAME_S)

    def frame(self, name: str, camera: Camera, *, keyframe: bool) -> None:
        if name not in self.sources:
            self.sources[name] = self.matrix.publish_layer(camera, name, layers=self.layers)
            keyframe = True
        self.matrix.send(self.sources[name], *camera.frame(keyframe=keyframe))

    def shown(self, slot: Slot) -> str:
        """The layer in a slot."""
        return next((name for name, one in self.sources.items() if one is slot.source), "nothing")


@pytest.fixture
def matrix() -> Matrix:
    return Matrix()


def watch(matrix: Matrix, *slots: str) -> list[Slot]:
    found = [matrix.receive("r", name)[0] for name in slots]
    matrix.route(*[f"r {name} 1" for name in slots])
    return found


def told(matrix: Matrix) -> list[str]:
    return matrix.wanted[-1][1].layers


# --- which layer ----------------------------------------------------------------------------------


def test_a_stage_shows_the_highest_and_a_thumbnail_the_lowest(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "h", "f")
    stage, preview, thumb = watch(matrix, "stage:1", "preview:1", "thumb:1")
    site.play(1.0)
    assert [site.shown(one) for one in (stage, preview, thumb)] == ["f", "f", "q"]


def test_a_take_begins_with_the_layer_that_comes_first_and_climbs(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "h", "f")
    site.play(1.0)
    slot, leg = matrix.receive("r", "stage:1")
    matrix.route("r stage:1 1")
    assert matrix.asked[-1] == (matrix.now, site.sources["f"])
    matrix.send(site.sources["q"], *site.cameras["q"].frame(keyframe=True))
    assert site.shown(slot) == "q"
    matrix.send(site.sources["h"], *site.cameras["h"].frame(keyframe=True))
    matrix.send(site.sources["f"], *site.cameras["f"].frame(keyframe=True))
    assert site.shown(slot) == "f"
    received = leg.received()
    assert [one.label.source for one in received] == [1, 1, 2, 2, 3, 3]
    assert [one.sequence for one in received] == list(range(10, 16))
    assert [one.picture for one in received] == [30, 30, 31, 31, 32, 32]


def test_one_request_is_made_for_all_layers_of_an_encoder(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "h", "f")
    site.play(1.0)
    watch(matrix, "stage:1", "thumb:1", "preview:1")
    assert len(matrix.asked) == 1


def test_a_small_picture_of_its_own_is_asked_for_itself(matrix: Matrix) -> None:
    agent = Simulcast(matrix, "alt", "main", layers="alt main")
    agent.play(1.0)
    stage, thumb = watch(matrix, "stage:1", "thumb:1")
    assert {one for _, one in matrix.asked} == set(agent.sources.values())
    agent.play(0.2)
    assert (agent.shown(stage), agent.shown(thumb)) == ("main", "alt")


def test_layers_are_ranked_by_size_whatever_they_are_called(matrix: Matrix) -> None:
    site = Simulcast(matrix, "a", "b", layers="ab")
    site.cameras["a"].size, site.cameras["b"].size = (1280, 720), (320, 180)
    stage, thumb = watch(matrix, "stage:1", "thumb:1")
    site.play(1.0)
    assert (site.shown(stage), site.shown(thumb)) == ("a", "b")
    assert told(matrix) == ["b", "a"]


@pytest.mark.parametrize(
    ("offered", "expected"),
    [("fhq", "qhf"), ("qh", "qh"), ("hml", "lmh"), ("zya", "zya"), ("q", "q")],
)
def test_known_names_have_a_rank(offered: str, expected: str) -> None:
    assert ranked(list(offered)) == tuple(expected)


# --- what stops and comes back --------------------------------------------------------------------


def test_a_silent_layer_is_left_for_one_that_flows(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "h", "f")
    (stage,) = watch(matrix, "stage:1")
    site.play(2.0)
    site.on = {"q", "h"}
    site.play(SILENT_S + 3 * FRAME_S)
    assert site.shown(stage) == "h"
    site.on = {"q"}
    site.play(SILENT_S + 3 * FRAME_S)
    assert site.shown(stage) == "q"


def test_a_layer_that_stops_as_soon_as_it_was_wanted_is_left_too(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "f", layers="qf")
    (stage,) = watch(matrix, "stage:1")
    site.play(0.3)
    assert site.shown(stage) == "f"
    site.on = {"q"}
    site.play(SILENT_S + 3 * FRAME_S)
    assert site.shown(stage) == "q"
    site.on = {"q", "f"}
    site.play(0.5)
    assert site.shown(stage) == "f"


def test_a_publisher_that_is_silent_altogether_changes_nothing(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "f", layers="qf")
    (stage,) = watch(matrix, "stage:1")
    site.play(2.0)
    asked = len(matrix.asked)
    matrix.pass_time(5.0)
    assert site.shown(stage) == "f"
    assert len(matrix.asked) == asked
    site.play(0.5)
    assert site.shown(stage) == "f"


def test_the_picture_before_stays_until_the_other_layer_begins(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "f", layers="qf")
    (stage,) = watch(matrix, "stage:1")
    site.play(2.0)
    site.answers = False
    matrix.cap(stage, 0)
    site.play(1.0)
    assert site.shown(stage) == "f"
    site.answers = True
    site.play(1.0)
    assert site.shown(stage) == "q"


def test_a_layer_that_stops_and_returns_is_believed_later_each_time(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "f", layers="qf")
    (stage,) = watch(matrix, "stage:1")
    site.play(3.0)
    waits = []
    for _ in range(4):
        site.on = {"q"}
        site.play(1.0)
        assert site.shown(stage) == "q"
        site.on = {"q", "f"}
        waited = 0.0
        while site.shown(stage) != "f":
            site.play(FRAME_S)
            waited += FRAME_S
        waits.append(waited)
    assert waits == sorted(waits)
    assert waits[0] >= HOLD_S
    assert waits[3] >= 8 * HOLD_S


def test_a_layer_that_was_switched_off_is_believed_at_its_first_keyframe(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "f", layers="qf")
    stage, thumb = watch(matrix, "stage:1", "thumb:1")
    site.play(1.0)
    matrix.route("r thumb:1 1")
    site.play(OFF_AFTER_S + 0.5)
    assert told(matrix) == ["q"]
    site.on = {"q"}
    site.play(20.0)
    matrix.route("r thumb:1 1", "r stage:1 1")
    assert told(matrix) == ["q", "f"]
    site.play(0.3)
    assert site.shown(stage) == "q"
    asked = len(matrix.asked)
    site.frame("f", site.cameras["f"], keyframe=True)
    assert site.shown(stage) == "f"
    assert site.shown(thumb) == "q"
    assert len(matrix.asked) == asked


def test_a_layer_without_a_keyframe_is_asked_for_one(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "f", layers="qf")
    (stage,) = watch(matrix, "stage:1")
    site.on = {"q"}
    site.play(1.0)
    camera = site.cameras["f"]
    site.sources["f"] = matrix.publish_layer(camera, "f", layers="qf")
    matrix.send(site.sources["f"], *camera.frame())
    assert site.shown(stage) == "q"
    matrix.pass_time(2 * LOOK_S)
    assert matrix.asked[-1][1] is site.sources["f"]


# --- ceilings -------------------------------------------------------------------------------------


def test_a_ceiling_is_kept_and_lifted(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "h", "f")
    (stage,) = watch(matrix, "stage:1")
    site.play(1.0)
    for ceiling, expected in ((1, "h"), (0, "q"), (2, "f"), (None, "nothing"), (1000, "f")):
        matrix.cap(stage, ceiling)
        site.play(1.0)
        assert site.shown(stage) == expected


def test_a_paused_slot_is_sent_nothing_at_once(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "f", layers="qf")
    slot, leg = matrix.receive("r", "stage:1")
    matrix.route("r stage:1 1")
    site.play(1.0)
    matrix.cap(slot, None)
    before = len(leg.packets)
    site.play(1.0)
    assert len(leg.packets) == before
    matrix.picture_loss(slot)
    site.play(1.0)
    assert len(leg.packets) == before


def test_what_there_is_for_a_slot_is_told_with_its_bitrates(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "h", "f")
    site.on = {"q", "h"}
    (stage,) = watch(matrix, "stage:1")
    assert matrix.crosspoint.layers(stage) == ()
    site.play(2.0)
    infos = matrix.crosspoint.layers(stage)
    assert [(one.rank, one.flows) for one in infos] == [(0, True), (1, True), (2, False)]
    # 20 packets of about 13 octets a second
    assert infos[0].bitrate_bps == pytest.approx(20 * 8 * 14, rel=0.3)
    assert infos[2].bitrate_bps == 4 * infos[1].bitrate_bps


# --- what is worth sending ------------------------------------------------------------------------


def test_only_the_lowest_is_wanted_while_nobody_watches(matrix: Matrix) -> None:
    Simulcast(matrix, "q", "h", "f").play(0.1)
    assert [one.layers for _, one in matrix.wanted] == [["q"]]
    assert matrix.crosspoint.layers_wanted() == [matrix.wanted[-1][1]]


def test_a_high_layer_is_wanted_at_once_and_given_up_late(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "f", layers="qf")
    site.play(1.0)
    watch(matrix, "stage:1")
    since = matrix.now
    assert matrix.wanted[-1] == (since, matrix.crosspoint.layers_wanted()[0])
    assert told(matrix) == ["q", "f"]
    site.play(3.0)
    left = matrix.now
    matrix.route()
    site.play(OFF_AFTER_S + 1.0)
    assert told(matrix) == ["q"]
    assert matrix.wanted[-1][0] - left == pytest.approx(OFF_AFTER_S, abs=2 * LOOK_S)


def test_understudies_are_sent_until_the_wanted_layer_has_proven_itself(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "h", "f")
    watch(matrix, "stage:1")
    site.play(1.0)
    assert told(matrix) == ["q", "h", "f"]
    site.play(STEADY_S + OFF_AFTER_S)
    assert told(matrix) == ["q", "f"]
    site.on = {"q"}
    site.play(SILENT_S + 2 * FRAME_S)
    assert told(matrix) == ["q", "h", "f"]


def test_a_capped_or_paused_slot_wants_no_more_than_it_may_show(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "h", "f")
    (stage,) = watch(matrix, "stage:1")
    site.play(STEADY_S + OFF_AFTER_S)
    matrix.cap(stage, 1)
    site.play(STEADY_S + OFF_AFTER_S)
    assert told(matrix) == ["q", "h"]
    matrix.cap(stage, None)
    site.play(OFF_AFTER_S + 1.0)
    assert told(matrix) == ["q"]


def test_a_publisher_of_one_layer_is_told_nothing_and_wakes_nobody(matrix: Matrix) -> None:
    camera = Camera(1)
    source = matrix.publish(camera)
    watch(matrix, "stage:1", "thumb:1")
    matrix.send(source, *camera.frame(keyframe=True))
    assert matrix.wanted == []
    assert matrix.crosspoint.layers_wanted() == []
    assert matrix.crosspoint.next_deadline() is None


# --- publishers come and go -----------------------------------------------------------------------


def test_another_publisher_takes_all_layers_over(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "f", layers="qf")
    stage, thumb = watch(matrix, "stage:1", "thumb:1")
    site.play(1.0)
    newer = Camera(9)
    source = matrix.publish(newer, port="1")
    site.play(0.3)
    assert (site.shown(stage), site.shown(thumb)) == ("f", "q")
    matrix.send(source, *newer.frame(keyframe=True))
    assert stage.source is thumb.source is source
    for old in site.sources.values():
        matrix.unpublish(old)
    matrix.send(source, *newer.frame())
    assert stage.source is thumb.source is source
    matrix.pass_time(1.0)
    assert matrix.crosspoint.next_deadline() is None


def test_a_layer_whose_source_is_gone_is_left(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "f", layers="qf")
    (stage,) = watch(matrix, "stage:1")
    site.play(1.0)
    site.on = {"q"}
    matrix.unpublish(site.sources.pop("f"))
    site.play(0.2)
    assert site.shown(stage) == "q"


def test_a_source_that_takes_its_place_back_is_shown(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "f", layers="qf")
    stage, thumb = watch(matrix, "stage:1", "thumb:1")
    site.play(1.0)
    other = Camera(9)
    source = matrix.publish_layer(other, "f", layers="qf")
    matrix.send(source, *other.frame(keyframe=True))
    assert stage.source is source
    first = site.sources["f"]
    matrix._note(
        matrix.crosspoint.add_source(
            matrix.now, "c", "1", "camera", first, "f", LayerPlan("it", (("q", "f"),))
        )
    )
    site.play(0.2)
    assert stage.source is first
    assert site.shown(thumb) == "q"


def test_a_hole_in_one_layer_is_bridged_by_another(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "f", layers="qf")
    slot, leg = matrix.receive("r", "stage:1")
    matrix.route("r stage:1 1")
    site.play(1.0)
    site.cameras["f"].sequence += 300
    site.answers = False
    site.play(0.2)
    assert site.shown(slot) == "nothing"
    site.answers = True
    site.play(1.0)
    assert site.shown(slot) == "f"
    numbers = [one.sequence for one in leg.received()]
    assert numbers == list(range(10, 10 + len(numbers)))


def test_after_a_hole_the_layer_that_begins_first_is_shown(matrix: Matrix) -> None:
    site = Simulcast(matrix, "q", "f", layers="qf")
    (stage,) = watch(matrix, "stage:1")
    site.play(1.0)
    site.cameras["f"].sequence += 300
    matrix.send(site.sources["f"], *site.cameras["f"].frame())
    assert site.shown(stage) == "nothing"
    matrix.send(site.sources["q"], *site.cameras["q"].frame(keyframe=True))
    assert site.shown(stage) == "q"
    matrix.send(site.sources["f"], *site.cameras["f"].frame(keyframe=True))
    assert site.shown(stage) == "f"


def test_a_ladder_without_sources_suits_nobody() -> None:
    ladder = Ladder(LayerPlan("it", (("q", "f"),)))
    assert ladder.suited(0.0, "highest", 1000) == []
    assert ladder.look(0.0) is False
    assert [one.bitrate_bps for one in ladder.infos()] == [0.0, 0.0]
