import pytest

from signaling.wire.errors import ERRORS, WireError


def test_every_code_has_a_status_a_sentence_and_a_close_code_that_may_be_used():
    for code, kind in ERRORS.items():
        assert 400 <= kind.status < 600, code
        assert kind.meaning.endswith("."), code
        assert (
            kind.close is None
            or kind.close in range(4000, 5000)
            or kind.close in (*(1001, 1003, 1009, 1011),)
        ), code


def test_an_error_without_a_detail_says_what_its_code_means():
    assert WireError("forbidden").problem.detail == ERRORS["forbidden"].meaning


def test_an_error_carries_its_parameters():
    assert WireError("unknown_site", "no 99", site="99").problem.params == {"site": "99"}


def test_a_code_outside_the_table_cannot_be_raised():
    with pytest.raises(AssertionError):
        WireError("oops")
