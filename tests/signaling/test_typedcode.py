"""Typed codes: easy to read out, hard to guess, forgiving about how they are typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.typedcode import ALPHABET, LETTERS, TypedCode, letters_of, plain, read

KEY = b"k" * 32


def test_alphabet_has_nothing_that_looks_like_a_digit() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET) == 24
    assert not set(ALPHABET) & set("IO01")


def test_letters_follow_from_link_and_key() -> None:
    letters = letters_of("link-1", KEY)

    assert letters == letters_of("link-1", KEY)
    assert len(letters) == LETTERS
    assert len({letters, letters_of("link-2", KEY), letters_of("link-1", b"x" * 32)}) == 3


def test_letters_are_spread_over_the_alphabet() -> None:
    seen = "".join(letters_of(f"link-{n}", KEY) for n in range(300))

    assert set(seen) == set(ALPHABET)
    assert max(seen.count(letter) for letter in ALPHABET) < 2 * len(seen) / len(ALPHABET)


@pytest.mark.parametrize(
    "text",
    [
        "48-ABCDEFGH",
        "48abcdefgh",
        " 48 – abcd efgh ",
        "4 8-A-B-C-D-E-F-G-H",
        "４８－ＡＢＣＤＥＦＧＨ",
    ],
)
def test_case_spaces_and_dashes_do_not_matter(text: str) -> None:
    assert read(text) == TypedCode("48", "ABCDEFGH")


def test_site_codes_may_have_letters_and_dashes() -> None:
    assert read("bd-01-ABCDEFGH") == TypedCode(plain("BD-01"), "ABCDEFGH")


@pytest.mark.parametrize("text", ["", "48", "ABCDEFGH", "48-ABCDEFG0", "48-ABCDEFGI", "-" * 64])
def test_anything_else_is_no_code(text: str) -> None:
    assert read(text) is None


@given(st.text(max_size=64))
def test_any_text_is_read_or_refused(text: str) -> None:
    code = read(text)

    assert code is None or (code.site and set(code.letters) <= set(ALPHABET))
