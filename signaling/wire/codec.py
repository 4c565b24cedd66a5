"""Encoding and decoding of every message, with its size limit.

The one file that knows msgspec's coders.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from signaling.wire.control import NodeMessage, SignalingMessage
from signaling.wire.errors import WireError
from signaling.wire.pages import PageMessage, ServerMessage
from signaling.wire.worker import OrderMessage, WorkerMessage

T = TypeVar("T")

MAX_PAGE_FRAME = 16 * 1024
"""Bytes of one frame from a page."""
MAX_CONTROL_FRAME = 4 * 1024 * 1024
"""Bytes of one frame of the control link: 200 sessions' statistics, or an offer of 160 sections."""
MAX_FRAGMENT = 16 * 1024
"""Characters of an SDP fragment: candidates that trickle, or an ICE restart."""
MAX_OFFER = 512 * 1024
"""Bytes of an SDP offer; Chromium's with 64 receive sections has 84 kB."""
MAX_BODY = 64 * 1024
"""Bytes of a REST body."""

_encoder = msgspec.json.Encoder()
_page_messages: msgspec.json.Decoder[PageMessage] = msgspec.json.Decoder(PageMessage)
_server_messages: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)
_node_messages: msgspec.json.Decoder[NodeMessage] = msgspec.json.Decoder(NodeMessage)
_signaling_messages: msgspec.json.Decoder[SignalingMessage] = msgspec.json.Decoder(SignalingMessage)
_worker_messages: msgspec.json.Decoder[WorkerMessage] = msgspec.json.Decoder(WorkerMessage)
_order_messages: msgspec.json.Decoder[OrderMessage] = msgspec.json.Decoder(OrderMessage)


def encode(message: msgspec.Struct | list[Any] | dict[str, Any]) -> str:
    """JSON text of a message or a body."""
    return _encoder.encode(message).decode()


def encode_bytes(message: msgspec.Struct | list[Any] | dict[str, Any]) -> bytes:
    """JSON bytes of a message or a body; what the journal stores and hashes."""
    return _encoder.encode(message)


def decode_page_message(text: str | bytes) -> PageMessage:
    """A page's frame. Raises WireError ``too_large``, ``bad_json`` or ``bad_message``."""
    return _decode(_page_messages, text, MAX_PAGE_FRAME)


def decode_server_message(text: str | bytes) -> ServerMessage:
    """A frame to a page, as an agent or a drill reads it. Raises WireError as above."""
    return _decode(_server_messages, text, MAX_CONTROL_FRAME)


def decode_node_message(text: str | bytes) -> NodeMessage:
    """A bridge's frame. Raises WireError ``too_large``, ``bad_json`` or ``bad_message``."""
    return _decode(_node_messages, text, MAX_CONTROL_FRAME)


def decode_signaling_message(text: str | bytes) -> SignalingMessage:
    """Signaling's frame to a bridge. Raises WireError as above."""
    return _decode(_signaling_messages, text, MAX_CONTROL_FRAME)


def decode_worker_message(text: str | bytes) -> WorkerMessage:
    """A media worker's frame. Raises WireError as above."""
    return _decode(_worker_messages, text, MAX_CONTROL_FRAME)


def decode_order_message(text: str | bytes) -> OrderMessage:
    """Signaling's frame to a media worker. Raises WireError as above."""
    return _decode(_order_messages, text, MAX_CONTROL_FRAME)


def decode_body(body: str | bytes, kind: type[T], limit: int = MAX_BODY) -> T:
    """A REST body. Raises WireError ``too_large``, ``bad_json`` or ``bad_message``."""
    return _decode(msgspec.json.Decoder(kind), body, limit)


def _decode(decoder: msgspec.json.Decoder[T], text: str | bytes, limit: int) -> T:
    size = len(text)
    if size > limit:
        raise WireError("too_large", f"{size} bytes, at most {limit} are allowed")
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        raise WireError("bad_message", str(error)[:300]) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise WireError("bad_json", str(error)[:300]) from None
