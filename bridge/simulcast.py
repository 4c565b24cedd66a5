"""The lines of an SDP section that tell of its layers: rid, simulcast, content (RFC 8851, 8853)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from signaling.wire.errors import WireError

MAX_LAYERS = 4
"""Layers of one section (browsers send three)."""

# RFC 8851 §10; what travels in packets (RFC 8852 §3.1) fits a one-byte header extension
_RID = re.compile(r"([A-Za-z0-9_-]{1,16}) (send|recv)(?: ([!-~]{1,400}))?")
_RID_NAME = re.compile(r"[A-Za-z0-9_-]{1,16}")
_PAYLOAD_TYPES = re.compile(r"[0-9]{1,3}(,[0-9]{1,3}){0,15}")
_CONTENT = re.compile(r"[A-Za-z0-9-]{1,32}(?:,[A-Za-z0-9-]{1,32}){0,7}")


@dataclass(frozen=True)
class Rid:
    """A restriction identifier (RFC 8851) of a layer that the peer sends; `payload_types` empty
    means any of the section's."""

    name: str
    payload_types: frozenset[int]


def read_rids(rids: Sequence[str], simulcast: Sequence[str]) -> tuple[Rid, ...]:
    """The layers that the peer offers to send, in the order of ``a=simulcast``, from a section's
    values of both attributes.

    Of alternatives for one layer the first counts; a layer without an ``a=rid`` line is none
    (RFC 8853 §5.2), and one that begins paused (``~``) is a layer as well.

    Raises:
        WireError: ``offer_malformed``.
    """
    known: dict[str, Rid] = {}
    for value in rids:
        match = _RID.fullmatch(value)
        if match is None or match[1] in known:
            _malformed(f"rid {value[:60]!r}")
        if match[2] == "send":
            known[match[1]] = Rid(match[1], _rid_payload_types(match[3] or ""))
        if len(known) > MAX_LAYERS:
            _malformed(f"more than {MAX_LAYERS} rids in one section")
    if len(simulcast) > 1:
        _malformed("more than one simulcast line in a section")
    return tuple(known[one] for line in simulcast for one in _simulcast(line) if one in known)


def _rid_payload_types(restrictions: str) -> frozenset[int]:
    """From ``pt=96,97;max-width=1280``; other restrictions are the sender's own affair."""
    for restriction in restrictions.split(";"):
        key, _, value = restriction.partition("=")
        if key == "pt":
            if not _PAYLOAD_TYPES.fullmatch(value):
                _malformed(f"rid restriction {restriction[:40]!r}")
            return frozenset(map(int, value.split(",")))
    return frozenset()


def _simulcast(line: str) -> list[str]:
    """Names in the send list of ``send q;~h,x;f recv 1``."""
    words = line.split()
    if len(words) not in (2, 4) or any(one not in ("send", "recv") for one in words[::2]):
        _malformed(f"simulcast {line[:60]!r}")
    lists = dict(zip(words[::2], words[1::2], strict=True))
    if len(lists) * 2 != len(words):
        _malformed(f"simulcast {line[:60]!r}")
    names = [one.split(",")[0].removeprefix("~") for one in lists.get("send", "").split(";")]
    if "send" not in lists:
        return []
    if len(names) > MAX_LAYERS or len(set(names)) != len(names):
        _malformed(f"simulcast {line[:60]!r}: 1 to {MAX_LAYERS} different layers")
    for name in names:
        if not _RID_NAME.fullmatch(name):
            _malformed(f"simulcast layer {name[:40]!r}")
    return names


def read_content(value: str | None) -> frozenset[str]:
    """The words of a section's ``a=content`` (RFC 4796 §5), () without one.

    Raises:
        WireError: ``offer_malformed``.
    """
    if value is None:
        return frozenset()
    if not _CONTENT.fullmatch(value):
        _malformed(f"content {value[:60]!r}")
    return frozenset(value.split(","))


def _malformed(detail: str) -> NoReturn:
    raise WireError("offer_malformed", detail)
