"""Decoding: whatever arrives becomes a message or a documented refusal, never anything else."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.wire import codec
from signaling.wire.control import Hello
from signaling.wire.errors import WireError
from signaling.wire.ids import BootId, NodeId
from signaling.wire.pages import Heartbeat
from signaling.wire.rest import SignInRequest

DECODERS: list[Callable[[bytes], object]] = [
    codec.decode_page_message,
    codec.decode_server_message,
    codec.decode_node_message,
    codec.decode_signaling_message,
    lambda body: codec.decode_body(body, SignInRequest),
]
ALLOWED = {"decoded", "bad_json", "bad_message", "too_large"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
tagged = st.dictionaries(
    st.sampled_from(["id", "command", "page_id", "n", "sites", "scene", "request", "session"]),
    json_values,
).flatmap(
    lambda body: st.sampled_from(
        ["hello", "command", "watch", "heartbeat", "take", "stats", "routes", "snapshot", "patch"]
    ).map(lambda tag: {**body, "type": tag})
)


def outcome(decode: Callable[[bytes], object], frame: bytes) -> str:
    try:
        decode(frame)
    except WireError as error:
        return error.code
    return "decoded"


@pytest.mark.parametrize("decode", DECODERS)
@given(frame=st.binary(max_size=300))
def test_any_bytes_decode_or_are_refused(decode: Callable[[bytes], object], frame: bytes) -> None:
    assert outcome(decode, frame) in ALLOWED


@pytest.mark.parametrize("decode", DECODERS)
@given(value=json_values | tagged)
def test_any_json_decodes_or_is_refused(decode: Callable[[bytes], object], value: object) -> None:
    assert outcome(decode, json.dumps(value).encode()) in ALLOWED


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b"\xff", "bad_json"),
        (b"[" * 5000, "bad_message"),
        (b'{"x":' + b"[" * 5000, "bad_json"),
        (b"null", "bad_message"),
        (b"{}", "bad_message"),
        (b'{"type":"take","scene":null}', "bad_message"),
        (b" " * (codec.MAX_PAGE_FRAME + 1), "too_large"),
    ],
)
def test_refusal_says_what_was_wrong(frame: bytes, code: str) -> None:
    with pytest.raises(WireError) as refused:
        codec.decode_page_message(frame)

    assert refused.value.code == code


def test_frame_of_exactly_the_limit_is_read() -> None:
    frame = b'{"type":"heartbeat","n":1}'.ljust(codec.MAX_PAGE_FRAME)

    assert codec.decode_page_message(frame) == Heartbeat(1)


def test_unknown_fields_are_passed_over() -> None:
    frame = '{"type":"hello","node":"n","boot_id":"b","version":"9","later":[1]}'

    assert codec.decode_node_message(frame) == Hello(NodeId("n"), BootId("b"), "9")


@given(n=st.integers(0, 2**53))
def test_what_is_encoded_decodes_to_the_same(n: int) -> None:
    assert codec.decode_page_message(codec.encode(Heartbeat(n))) == Heartbeat(n)
