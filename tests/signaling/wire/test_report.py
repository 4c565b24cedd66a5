"""A page's own statistics: absurd values are refused where they come in."""

from __future__ import annotations

import pytest

from signaling.wire.codec import decode_page_message
from signaling.wire.errors import WireError
from signaling.wire.pages import Report


def test_what_a_browser_says_is_read() -> None:
    text = '{"type":"report","rtt_s":0.04,"receive_loss_ratio":0.01,"freeze_s":0,"camera":true}'
    read = decode_page_message(text)
    assert read == Report(rtt_s=0.04, receive_loss_ratio=0.01, freeze_s=0.0, camera=True)
    assert decode_page_message('{"type":"report"}') == Report()


@pytest.mark.parametrize(
    "field",
    [
        '"rtt_s":-0.1',
        '"rtt_s":61',
        '"rtt_s":1e308',
        '"rtt_s":"0.1"',
        '"freeze_s":-1',
        '"freeze_s":1e9',
        '"receive_loss_ratio":1.01',
        '"receive_loss_ratio":-1e-9',
        '"frames_per_s":241',
        '"sent_bps":1e10',
        '"microphone_level":2',
        '"camera":1',
        '"microphone":"yes"',
    ],
)
def test_values_out_of_range_or_of_another_kind_are_refused(field: str) -> None:
    with pytest.raises(WireError) as raised:
        decode_page_message(f'{{"type":"report",{field}}}')
    assert raised.value.code == "bad_message"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(WireError) as raised:
        decode_page_message(f'{{"type":"report","rtt_s":{number}}}')
    assert raised.value.code in ("bad_json", "bad_message")
