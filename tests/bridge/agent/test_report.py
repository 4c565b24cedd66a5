"""Growing counters become rates since the report before; nothing leaves the report's ranges."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from aiortc.stats import (
    RTCInboundRtpStreamStats,
    RTCOutboundRtpStreamStats,
    RTCRemoteInboundRtpStreamStats,
)
from hypothesis import given
from hypothesis import strategies as st

from bridge.agent.report import PAUSE_S, Freezes, Reporter, Totals, totals
from signaling.wire.codec import decode_page_message, encode
from signaling.wire.pages import Report

_COMMON: dict[str, Any] = {
    "timestamp": datetime.datetime(2020, 5, 29, tzinfo=datetime.UTC),
    "type": "",
    "id": "",
    "ssrc": 1,
    "kind": "video",
    "transportId": "",
}


def report(reporter: Reporter, now: float, sums: Totals, shown: Freezes | None = None) -> Report:
    made = reporter.report(now, sums, shown or Freezes(), 0.5, True, None)
    assert made is not None
    return made


def test_totals_sum_up_both_connections() -> None:
    stats = [
        RTCOutboundRtpStreamStats(**_COMMON, packetsSent=1, bytesSent=100, trackId=""),
        RTCOutboundRtpStreamStats(**_COMMON, packetsSent=1, bytesSent=50, trackId=""),
        RTCRemoteInboundRtpStreamStats(
            **_COMMON,
            packetsReceived=1,
            packetsLost=0,
            jitter=0,
            roundTripTime=0.02,
            fractionLost=0,
        ),
        RTCInboundRtpStreamStats(**_COMMON, packetsReceived=90, packetsLost=10, jitter=0),
        RTCInboundRtpStreamStats(**_COMMON, packetsReceived=10, packetsLost=-3, jitter=0),
    ]
    assert totals(stats, 7) == Totals(150, 7, 100, 10, 0.02)


def test_report_is_of_the_time_since_the_one_before() -> None:
    reporter = Reporter(100.0)
    report(reporter, 105.0, Totals(1000, 10, 100, 0, 0.1))
    made = report(reporter, 110.0, Totals(6000, 60, 190, 10, 0.02))
    assert made.sent_bps == 8000
    assert made.sent_frames_per_s == 10
    assert made.receive_loss_ratio == pytest.approx(0.1)
    assert made.rtt_s == 0.02
    assert (made.microphone_level, made.camera, made.microphone) == (0.5, True, None)


def test_counters_that_begin_anew_are_no_negative_rates() -> None:
    reporter = Reporter(0.0)
    report(reporter, 5.0, Totals(10_000, 100, 500, 5))
    made = report(reporter, 10.0, Totals(100, 110, 20, 0))
    assert made.sent_bps is None
    assert made.receive_loss_ratio is None
    assert made.sent_frames_per_s == 2


def test_no_time_no_report() -> None:
    assert Reporter(5.0).report(5.0, Totals(), Freezes(), None, None, None) is None


def test_a_freeze_is_a_gap_far_beyond_the_usual() -> None:
    shown, now = Freezes(), 0.0
    for _ in range(20):
        now += 0.1
        shown.came(now)
    now += 0.25
    shown.came(now)
    assert shown.frozen_s == 0.0
    now += 1.0
    shown.came(now)
    assert shown.frozen_s == pytest.approx(1.0)
    now += PAUSE_S + 1
    shown.came(now)
    assert shown.frozen_s == pytest.approx(1.0), "a route that was taken away is no freeze"
    made = report(Reporter(0.0), 10.0, Totals(), shown)
    assert made.freeze_s == pytest.approx(1.0)
    assert made.frames_per_s == pytest.approx(2.3)


counts = st.integers(-(2**40), 2**40)


@given(
    st.floats(1e-3, 1e6),
    st.builds(Totals, counts, counts, counts, counts, st.floats() | st.none()),
    st.floats(0, 1),
)
def test_every_report_is_one_that_signaling_takes(
    elapsed_s: float, sums: Totals, level: float
) -> None:
    made = Reporter(0.0).report(elapsed_s, sums, Freezes(), level, None, None)
    assert made is not None
    assert decode_page_message(encode(made)) == made
