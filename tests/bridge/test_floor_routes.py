"""The floor through the crosspoint: whose sound flows in which slot, at once and without a seam."""

from itertools import pairwise

import pytest

from bridge.source import Source
from signaling.wire.control import Route, Routes
from tests.fakes.matrix import SCOPE, Matrix
from tests.fakes.streams import Microphone, ReceivingLeg

FRAME_S = 0.02
FLOOR = [f"r floor:{position} @floor/{position}" for position in (1, 2, 3, 4)]


class Floor:
    """Microphones 1 … n, published, and a receiver with all positions."""

    def __init__(self, count: int) -> None:
        self.matrix = Matrix()
        self.microphones = {str(number): Microphone(number) for number in range(1, count + 1)}
        self.sources: dict[str, Source] = {
            port: self.matrix.publish(one) for port, one in self.microphones.items()
        }
        self.legs = [self.matrix.receive("r", f"floor:{position}")[1] for position in (1, 2, 3, 4)]

    def open(self, speakers: str) -> None:
        self.matrix.route(*FLOOR, speakers=speakers)

    def talk(self, seconds: float, **levels: int) -> None:
        """All send a packet each 20 ms: ``m5=-20`` speaks, who is not named is silent."""
        for _ in range(round(seconds / FRAME_S)):
            for port, microphone in self.microphones.items():
                self.matrix.send(self.sources[port], microphone.frame(levels.get(f"m{port}", -127)))
            self.matrix.pass_time(FRAME_S)

    def heard(self, since: list[int] | None = None) -> list[list[int]]:
        """By position: whose packets came, each change once."""
        return [_changes(leg, since[index] if since else 0) for index, leg in enumerate(self.legs)]

    def marks(self) -> list[int]:
        return [len(leg.packets) for leg in self.legs]


def _changes(leg: ReceivingLeg, since: int) -> list[int]:
    found: list[int] = []
    for one in leg.received()[since:]:
        if not found or found[-1] != one.label.source:
            found.append(one.label.source)
    return found


def test_open_microphones_flow_in_their_positions_and_shut_ones_nowhere() -> None:
    floor = Floor(3)
    floor.open("3 1")
    floor.talk(0.1, m1=-30, m2=-30, m3=-30)
    assert floor.heard() == [[3], [1], [], []]


def test_a_mute_is_one_message_and_silent_with_it() -> None:
    floor = Floor(2)
    floor.open("1 2")
    floor.talk(0.1)
    before = floor.marks()
    crosspoint = floor.matrix.crosspoint
    crosspoint.apply(floor.matrix.now, Routes(9, SCOPE, 1, 2, 1, speakers=["2"]))
    floor.talk(0.1)
    assert floor.heard(before) == [[], [2], [], []]


def test_a_shut_microphone_is_silent_though_four_others_fill_the_floor() -> None:
    floor = Floor(5)
    floor.open("1 2 3 4 5")
    floor.talk(0.5, m1=-30, m2=-30, m3=-30, m4=-30)
    before = floor.marks()
    floor.open("1 3 4 5")
    floor.talk(0.2, m2=-10, m5=-30)
    assert floor.heard(before) == [[1], [5], [3], [4]]


def test_the_loudest_of_five_have_the_floor_without_a_gap_or_a_jump() -> None:
    floor = Floor(5)
    floor.open("1 2 3 4 5")
    floor.talk(3, m1=-30, m3=-30, m4=-30)
    assert floor.heard() == [[1], [2], [3], [4]]
    floor.talk(1, m1=-30, m3=-30, m4=-30, m5=-30)
    assert floor.heard() == [[1], [2, 5], [3], [4]]
    for before, after in pairwise(floor.legs[1].received()):
        assert after.sequence == before.sequence + 1
        assert after.timestamp - before.timestamp == 960


def test_a_microphone_without_levels_keeps_its_position_until_a_clear_voice_comes() -> None:
    floor = Floor(5)
    floor.open("1 2 3 4 5")
    floor.sources["1"].level_extension = None
    floor.talk(3, m2=-30, m3=-30, m4=-30)
    assert floor.heard()[0] == [1]
    floor.talk(2, m2=-30, m3=-30, m4=-30, m5=-30)
    assert floor.heard()[0] == [1, 5]


def test_one_whose_packets_have_ceased_gives_way() -> None:
    floor = Floor(5)
    floor.open("1 2 3 4 5")
    floor.talk(1, m1=-30, m2=-30, m3=-30, m4=-30, m5=-127)
    del floor.microphones["2"]
    floor.talk(3, m1=-30, m3=-30, m4=-30, m5=-30)
    assert floor.heard()[1] == [2, 5]


def test_a_speaker_does_not_hear_itself_and_its_position_is_heard_by_others() -> None:
    floor = Floor(2)
    _, own = floor.matrix.receive("1", "floor:1")
    _, other = floor.matrix.receive("1", "floor:2")
    own_routes = [f"1 floor:{position} @floor/{position}" for position in (1, 2)]
    floor.matrix.route(*FLOOR, *own_routes, speakers="1 2")
    floor.talk(0.1)
    assert (_changes(own, 0), _changes(other, 0)) == ([], [2])
    assert floor.heard()[0] == [1]


@pytest.mark.parametrize("again", [False, True])
def test_a_new_session_of_a_speaker_goes_on_in_its_position(again: bool) -> None:
    floor = Floor(2)
    floor.open("1 2")
    floor.talk(0.1)
    floor.matrix.unpublish(floor.sources["1"])
    floor.talk(0.1)
    if again:
        floor.open("1 2")
    newer = Microphone(11)
    source = floor.matrix.publish(newer, "1")
    before = floor.marks()
    floor.matrix.send(source, newer.frame())
    assert floor.heard(before)[0] == [11]


def test_the_whole_table_of_a_new_owner_moves_nobody() -> None:
    floor = Floor(6)
    floor.open("1 2 3 4 5 6")
    floor.talk(3, m1=-30, m2=-30, m3=-30, m6=-30)
    held = floor.heard()
    assert held[3] == [4, 6]
    put = [Route("r", f"floor:{n}", f"@floor/{n}", "mic") for n in (1, 2, 3, 4)]
    ports = ["1", "2", "3", "4", "5", "6"]
    floor.matrix.crosspoint.apply(
        floor.matrix.now, Routes(1, SCOPE, 2, 1, None, put, speakers=ports)
    )
    before = floor.marks()
    floor.talk(0.2, m1=-30, m2=-30, m3=-30, m6=-30)
    assert floor.heard(before) == [[1], [2], [3], [6]]
    assert floor.matrix.crosspoint.floor_position(SCOPE, "6") == 4


def test_speakers_of_a_refused_table_are_not_obeyed() -> None:
    floor = Floor(1)
    floor.open("1")
    floor.matrix.crosspoint.apply(0.0, Routes(1, SCOPE, 0, 9, None))
    floor.matrix.crosspoint.apply(0.0, Routes(1, SCOPE, 1, 9, 7))
    floor.talk(0.1)
    assert floor.heard()[0] == [1]


def test_silence_that_is_left_out_keeps_its_length_on_the_raster_of_the_frames() -> None:
    floor = Floor(2)
    floor.open("1 2")
    microphone, source = floor.microphones["1"], floor.sources["1"]
    for _ in range(10):
        floor.matrix.send(source, microphone.frame(-127, after=10))
        floor.matrix.pass_time(0.2)
    steps = [b.timestamp - a.timestamp for a, b in pairwise(floor.legs[0].received())]
    assert steps == [9600] * 9


def test_a_switch_in_the_midst_of_silence_lands_on_the_raster_at_the_right_time() -> None:
    floor = Floor(2)
    floor.matrix.route("r floor:1 1")
    first, second = floor.microphones["1"], floor.microphones["2"]
    for _ in range(3):
        floor.matrix.send(floor.sources["1"], first.frame(-127, after=10))
        floor.matrix.pass_time(0.2)
    floor.matrix.pass_time(0.013)
    floor.matrix.route("r floor:1 2")
    floor.matrix.send(floor.sources["2"], second.frame(-30))
    last, switched = floor.legs[0].received()[-2:]
    assert switched.label.source == 2
    assert switched.timestamp - last.timestamp == 960 * 11  # 213 ms, to the nearest 20
    assert switched.sequence == last.sequence + 1
