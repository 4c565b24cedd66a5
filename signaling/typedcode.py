"""The code that a person types instead of opening a link: ``48-ABCDEFGH``. Pure.

The letters follow from a signing key and the link's id, so nothing that opens a seat is stored.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import NamedTuple

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""24 letters: I and O look like digits. Eight of them are 36 bits."""
LETTERS = 8


class TypedCode(NamedTuple):
    """What was typed, without case, spaces and dashes: whose site, and the link's letters."""

    site: str
    letters: str


def letters_of(jti: str, key: bytes) -> str:
    """The letters of the link `jti`."""
    number = int.from_bytes(hmac.digest(key, f"typed code {jti}".encode(), hashlib.sha256), "big")
    letters = ""
    for _ in range(LETTERS):
        number, index = divmod(number, len(ALPHABET))
        letters += ALPHABET[index]
    return letters


def plain(text: str) -> str:
    """`text` in capitals, without spaces and dashes."""
    capitals = unicodedata.normalize("NFKC", text).upper()
    return "".join(letter for letter in capitals if letter.isalnum())


def read(text: str) -> TypedCode | None:
    """What was typed; None if it cannot be a code."""
    told = plain(text)
    site, letters = told[:-LETTERS], told[-LETTERS:]
    if not site or len(letters) != LETTERS or any(letter not in ALPHABET for letter in letters):
        return None
    return TypedCode(site, letters)
