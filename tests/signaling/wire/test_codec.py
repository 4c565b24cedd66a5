import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.wire import codec
from signaling.wire.errors import WireError
from signaling.wire.pages import CommandMessage, Heartbeat, Scene, Take
from signaling.wire.rest import CreateConference

DECODERS = [
    codec.decode_page_message,
    codec.decode_server_message,
    codec.decode_node_message,
    codec.decode_signaling_message,
]


def code_of(text: str | bytes) -> str:
    with pytest.raises(WireError) as caught:
        codec.decode_page_message(text)
    return caught.value.code


def test_a_command_is_read_into_its_type():
    text = (
        '{"type":"command","id":"a-command-id","command":'
        '{"type":"take","scene":{"layout":"single","seats":["48"]}}}'
    )
    expected = CommandMessage("a-command-id", Take(Scene("single", ("48",))))
    assert codec.decode_page_message(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "{", "nonsense", b"\xff\xfe", '{"type":"heartbeat","n":1}x', '{"type":' + "[" * 10_000],
)
def test_what_is_no_json_is_bad_json(text):
    assert code_of(text) == "bad_json"


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        "{}",
        '{"type":"dance"}',
        '{"type":"heartbeat"}',
        '{"type":"heartbeat","n":-1}',
        '{"type":"heartbeat","n":"1"}',
        '{"type":"hello","page_id":"short"}',
        '{"type":"hello","page_id":"../../../etc"}',
        '{"type":"command","id":"a-command-id","command":{"type":"join"}}',
        '{"type":"command","id":"a-command-id","command":{"type":"take"}}',
        '{"type":"watch","sites":[' + ",".join(['"48"'] * 201) + "]}",
    ],
)
def test_json_that_is_no_message_is_a_bad_message(text):
    assert code_of(text) == "bad_message"


def test_a_frame_over_its_limit_is_too_large_before_it_is_parsed():
    assert code_of("[" * (codec.MAX_PAGE_FRAME + 1)) == "too_large"


def test_a_body_has_its_own_limit_and_its_own_errors():
    assert codec.decode_body('{"template":"x"}', CreateConference).template == "x"
    with pytest.raises(WireError, match="too_large"):
        codec.decode_body(b"x" * 11, CreateConference, limit=10)
    with pytest.raises(WireError, match="template"):
        codec.decode_body("{}", CreateConference)


def test_a_message_comes_back_as_it_was_sent():
    assert codec.decode_page_message(codec.encode(Heartbeat(7))) == Heartbeat(7)


@given(st.sampled_from(DECODERS), st.text(max_size=200) | st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_a_code(decode, text):
    assert _outcome(decode, text) in ("read", "bad_json", "bad_message")


def _outcome(decode, text: str | bytes) -> str:
    try:
        decode(text)
    except WireError as error:
        return error.code
    return "read"
