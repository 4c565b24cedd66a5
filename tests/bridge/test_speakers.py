"""Four positions and the loudest in them: nobody is cut for a cough, nobody talks in vain."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.loudness import QUIET_DBOV, SAYS_BY_S, Loudness
from bridge.speakers import (
    CEILING_DBOV,
    HOLD_S,
    JUDGE_S,
    SUSTAIN_S,
    UNKNOWN_DBOV,
    Speakers,
    loudness_of,
)
from signaling.wire.ids import Port


class Room:
    """Speakers with levels by port, in simulated time; silence is what nobody set."""

    def __init__(self, *ports: str) -> None:
        self.now = 100.0
        self.speakers = Speakers()
        self.levels: dict[str, float] = {}
        self.moves: list[tuple[float, tuple[str | None, ...]]] = []
        self.open(*ports)

    def open(self, *ports: str) -> list[int]:
        return self.speakers.open(self.now, [Port(port) for port in ports])

    @property
    def holders(self) -> tuple[str | None, ...]:
        return tuple(self.speakers.holder(position) for position in (1, 2, 3, 4))

    def talk(self, seconds: float, **levels: float) -> None:
        """Let time pass while these talk at these levels and nobody else does."""
        self.levels = levels
        end = self.now + seconds
        while (due := self.speakers.next_deadline()) is not None and due <= end:
            before, self.now = self.holders, due
            moved = self.speakers.judge(due, lambda port: self.levels.get(port, QUIET_DBOV))
            changed = [n for n in (1, 2, 3, 4) if before[n - 1] != self.holders[n - 1]]
            assert moved == changed
            if moved:
                self.moves.append((due, self.holders))
        self.now = end


def test_positions_are_taken_in_order_of_opening_and_kept() -> None:
    room = Room()
    assert room.open("a", "b") == [1, 2]
    assert room.open("a", "b", "c") == [3]
    assert room.open("b", "c") == [1]
    assert room.open("b", "c", "d") == [1]
    assert room.holders == ("d", "b", "c", None)
    assert room.speakers.position(Port("c")) == 3
    assert room.speakers.position(Port("a")) is None


def test_as_long_as_there_is_a_position_for_everybody_nobody_is_compared() -> None:
    room = Room("a", "b", "c", "d")
    assert room.speakers.next_deadline() is None
    assert room.speakers.judge(room.now, lambda port: 0.0) == []


def test_what_is_said_again_changes_nothing() -> None:
    room = Room("a", "b", "c", "d", "e")
    assert room.open("a", "b", "c", "d", "e") == []
    assert room.open("a", "a", "b", "c", "d", "e") == []


def test_a_silent_holder_gives_way_at_once_and_the_talking_ones_stay() -> None:
    room = Room("a", "b", "c", "d", "e")
    room.talk(3, a=-30, b=-30, d=-30)
    room.talk(JUDGE_S, a=-30, b=-30, d=-30, e=-40)
    assert room.holders == ("a", "b", "e", "d")


def test_of_several_silent_holders_the_one_heard_longest_ago_gives_way() -> None:
    room = Room("a", "b", "c", "d", "e")
    room.talk(1, a=-30, b=-30, c=-30, d=-30)
    room.talk(1, a=-30, b=-30, d=-30)
    room.talk(2, b=-30)
    room.talk(JUDGE_S, b=-30, e=-30)
    assert room.holders == ("a", "b", "e", "d")


def test_pauses_of_a_speaker_cost_it_nothing() -> None:
    room = Room("a", "b", "c", "d", "e")
    for _ in range(20):
        room.talk(0.6, a=-30, b=-30, c=-30, d=-30, e=-32)
        room.talk(HOLD_S - 2 * JUDGE_S, e=-32)
    assert room.holders == ("a", "b", "c", "d")
    assert room.moves == []


def test_a_newcomer_among_speakers_must_be_louder_for_a_while() -> None:
    everybody = {"a": -30.0, "b": -34.0, "c": -30.0, "d": -30.0}
    room = Room("a", "b", "c", "d", "e")
    room.talk(2, **everybody)
    room.talk(2, **everybody, e=-29)
    assert room.moves == []
    since = room.now
    room.talk(2, **everybody, e=-26)
    [(at, holders)] = room.moves
    assert holders == ("a", "e", "c", "d")
    assert SUSTAIN_S <= at - since <= SUSTAIN_S + 2 * JUDGE_S


def test_a_cough_cuts_nobody() -> None:
    everybody = {"a": -35.0, "b": -35.0, "c": -35.0, "d": -35.0}
    room = Room("a", "b", "c", "d", "e")
    room.talk(2, **everybody)
    room.talk(SUSTAIN_S - JUDGE_S, **everybody, e=-20)
    room.talk(2, **everybody)
    assert room.moves == []


def test_two_who_are_as_loud_do_not_push_each_other_out() -> None:
    room = Room("a", "b", "c", "d", "e", "f")
    room.talk(60, a=-25, b=-25, c=-25, d=-25, e=-24, f=-22)
    assert room.moves == []


def test_of_two_newcomers_the_louder_has_the_only_silent_position() -> None:
    room = Room("a", "b", "c", "d", "e", "f")
    room.talk(2, a=-30, b=-30, c=-30)
    room.talk(JUDGE_S, a=-30, b=-30, c=-30, e=-33, f=-30)
    assert room.holders == ("a", "b", "c", "f")


def test_a_shut_microphone_is_out_at_once_and_who_talks_in_vain_follows() -> None:
    room = Room("a", "b", "c", "d", "e", "f")
    room.talk(2, a=-30, b=-30, c=-30, d=-30, f=-32)
    assert room.open("a", "c", "d", "e", "f") == [2]
    assert room.holders == ("a", "f", "c", "d")
    assert room.open("c", "d", "e", "f") == [1]
    assert room.holders == ("e", "f", "c", "d")
    assert room.speakers.next_deadline() is None


def test_nobody_at_all_is_an_answer() -> None:
    room = Room("a", "b", "c", "d", "e")
    assert room.open() == [1, 2, 3, 4]
    assert room.holders == (None, None, None, None)


def test_a_position_that_is_none_has_nobody() -> None:
    room = Room("a", "b", "c", "d")
    assert [room.speakers.holder(position) for position in (-1, 0, 5, 9)] == [None] * 4


def _loudness(dbov: int | None) -> Loudness:
    loudness = Loudness()
    for packet in range(100):
        loudness.packet(packet * 0.02, None if dbov is None else -dbov)
    return loudness


def test_a_microphone_that_claims_the_impossible_counts_as_a_clear_voice() -> None:
    assert loudness_of(2.0, _loudness(0)) == CEILING_DBOV
    assert loudness_of(2.0, _loudness(None)) == UNKNOWN_DBOV
    assert loudness_of(2.0, _loudness(-127)) == QUIET_DBOV
    assert loudness_of(9.0, _loudness(-20)) == QUIET_DBOV
    assert loudness_of(2.0, None) == QUIET_DBOV


def test_one_that_always_shouts_takes_one_position_and_cuts_no_clear_voice() -> None:
    voices = {"a": -24.0, "b": -24.0, "c": -24.0, "d": -24.0}
    room = Room("a", "b", "c", "d", "e")
    room.talk(1, **voices)
    room.talk(10, **voices, e=CEILING_DBOV)
    assert room.moves == []


opened = st.lists(st.sampled_from("abcdefgh"), max_size=8, unique=True)
levels = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-80, 0), max_size=8)


@settings(max_examples=100)
@given(st.lists(st.tuples(opened, levels, st.floats(0, 3)), max_size=15))
def test_whatever_happens_positions_are_full_of_open_microphones_and_nobody_has_two(
    course: list[tuple[list[str], dict[str, float], float]],
) -> None:
    room = Room()
    for ports, loud, seconds in course:
        before = {port: place for place, port in enumerate(room.holders) if port is not None}
        room.open(*ports)
        for port in ports:
            # an open microphone never moves to another position
            if port in before:
                assert room.holders[before[port]] == port
        room.talk(seconds, **loud)
        held = [port for port in room.holders if port is not None]
        assert len(held) == len(set(held)) == min(4, len(ports))
        assert set(held) <= set(ports)
        for one, other in pairwise(room.moves):
            assert one[0] < other[0]


def test_what_a_microphone_may_yet_state_is_not_guessed() -> None:
    """Another node tells its level after its first packets; until then it takes nobody's place."""
    loudness = Loudness()
    for number in range(30):
        loudness.packet(1.0 + number / 50, None)
    assert loudness_of(1.0 + SAYS_BY_S / 2, loudness) == QUIET_DBOV
    assert loudness_of(1.0 + SAYS_BY_S, loudness) == UNKNOWN_DBOV
    loudness.told(1.6, -70.0)
    assert loudness_of(1.6, loudness) == -70.0
