"""The table of error codes is fit for HTTP and for WebSocket."""

from __future__ import annotations

import pytest

from signaling.wire.errors import ERRORS, WireError


@pytest.mark.parametrize("code", ERRORS)
def test_every_code_has_a_status_and_a_close_code_in_range(code: str) -> None:
    kind = ERRORS[code]

    assert 400 <= kind.status < 600
    assert kind.close is None or kind.close in (1001, 1003, 1009, 1011) or 4000 <= kind.close < 5000
    assert kind.meaning.endswith(".")


@pytest.mark.parametrize("code", ERRORS)
def test_close_reason_fits_into_a_control_frame(code: str) -> None:
    assert len(code.encode()) <= 123


def test_error_carries_its_code_detail_and_params() -> None:
    error = WireError("unknown_site", "no site '99'", site="99")

    assert (error.code, error.problem.detail, error.problem.params) == (
        "unknown_site",
        "no site '99'",
        {"site": "99"},
    )


def test_error_without_detail_says_its_meaning() -> None:
    assert WireError("no_bridge").problem.detail == ERRORS["no_bridge"].meaning
