"""Certificate fingerprints as SDP carries them (RFC 8122 §5)."""

from __future__ import annotations

import re
from typing import NamedTuple

DIGEST_BYTES = {"sha-512": 64, "sha-384": 48, "sha-256": 32}
"""The hash functions that we verify, best first, and their length."""

_HEX = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2})*")


class Fingerprint(NamedTuple):
    """``a=fingerprint``: hash function as in SDP (``sha-256``) and value (``AB:CD:…``)."""

    algorithm: str
    value: str


def is_fingerprint(algorithm: str, value: str) -> bool:
    """A hash function that we verify, and a value of its length."""
    size = DIGEST_BYTES.get(algorithm.lower())
    upper = value.upper()
    return size is not None and len(upper) == size * 3 - 1 and _HEX.fullmatch(upper) is not None
