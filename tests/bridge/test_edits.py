"""What was taken out of a stream and put in, as packets see it that come late."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.edits import Edits
from bridge.estimator import MAX_MISORDER


def test_a_late_packet_is_moved_by_the_edits_behind_it() -> None:
    edits = Edits()
    edits.took_out(14)
    edits.took_out(12)  # overtaken by the other
    edits.put_in(18)
    assert [edits.behind(at) for at in (11, 12, 13, 14, 17, 18, 19)] == [1, 0, 0, -1, -1, 0, 0]
    edits.clear()
    assert edits.behind(11) == 0


@given(st.lists(st.sampled_from("oi-"), min_size=1, max_size=40))
def test_no_edit_is_forgotten_that_a_packet_may_still_be_late_for(kinds: list[str]) -> None:
    edits, steps = Edits(), []
    for at in range(5 * MAX_MISORDER):
        kind = kinds[at % len(kinds)]
        if kind == "o":
            edits.took_out(at)
        elif kind == "i":
            edits.put_in(at)
        steps.append({"o": 1, "i": -1, "-": 0}[kind])
    for late in (1, MAX_MISORDER // 2, MAX_MISORDER):
        at = len(steps) - 1 - late
        assert edits.behind(at) == sum(steps[at + 1 :])
