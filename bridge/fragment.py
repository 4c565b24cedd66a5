"""SDP fragments of PATCH: what trickles in, and the answer to an ICE restart (RFC 8840, RFC 9725).

We are ICE-lite and never send checks, so the peer's candidates are counted and passed over; what
matters is whether its credentials are new ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from bridge.ice import Credentials
from signaling.wire.codec import MAX_FRAGMENT
from signaling.wire.errors import WireError

MAX_LINES = 500

_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_MEDIA = re.compile(r"m=[a-z]{1,16} [0-9]{1,5} [A-Z/]{1,32}(?: [!-~]{1,64}){1,64}")
_MID = re.compile(r"a=mid:[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,64}")
_MEDIA_ELSE = "m=audio 9 UDP/TLS/RTP/SAVPF 0"


@dataclass(frozen=True)
class Fragment:
    """A fragment, read. `credentials` are the peer's, None if it names none; `media` and `mid` are
    its first lines of these kinds, for the answer to repeat."""

    credentials: Credentials | None
    candidates: int
    media: str | None
    mid: str | None


def read_fragment(text: str) -> Fragment:
    """Read an ``application/trickle-ice-sdpfrag`` body (RFC 8840 §9).

    Lines that mean nothing here are passed over, as SDP wants it.

    Raises:
        WireError: ``too_large`` or ``fragment_malformed``.
    """
    if len(text) > MAX_FRAGMENT:
        raise WireError("too_large", f"at most {MAX_FRAGMENT} characters are allowed")
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n", MAX_LINES)
    if len(lines) > MAX_LINES:
        _malformed(f"more than {MAX_LINES} lines")
    for number, line in enumerate(lines, 1):
        if line[1:2] != "=" or line[0] not in "am" or not line.isprintable():
            _malformed(f"line {number} {line[:40]!r} is neither a= nor m=")
    ufrag, password = _first(lines, "a=ice-ufrag:"), _first(lines, "a=ice-pwd:")
    if (ufrag is None) != (password is None):
        _malformed("ice-ufrag and ice-pwd come together")
    credentials = None
    if ufrag is not None and password is not None:
        if not _UFRAG.fullmatch(ufrag) or not _PASSWORD.fullmatch(password):
            _malformed("ice-ufrag or ice-pwd has a wrong length or character (RFC 8839 §5.4)")
        credentials = Credentials(ufrag, password)
    return Fragment(
        credentials,
        sum(line.startswith("a=candidate:") for line in lines),
        next((line for line in lines if _MEDIA.fullmatch(line)), None),
        next((line for line in lines if _MID.fullmatch(line)), None),
    )


def write_fragment(asked: Fragment, credentials: Credentials, candidates: Iterable[str]) -> str:
    """Our side after an ICE restart (RFC 9725 §4.3.3); `candidates` are whole lines."""
    lines = [
        "a=ice-lite",
        "a=ice-options:trickle ice2",
        asked.media or _MEDIA_ELSE,
        asked.mid or "a=mid:0",
        f"a=ice-ufrag:{credentials.ufrag}",
        f"a=ice-pwd:{credentials.password}",
        *candidates,
        "a=end-of-candidates",
    ]
    return "\r\n".join(lines) + "\r\n"


def _first(lines: Iterable[str], start: str) -> str | None:
    return next((line.removeprefix(start) for line in lines if line.startswith(start)), None)


def _malformed(detail: str) -> NoReturn:
    raise WireError("fragment_malformed", detail)
