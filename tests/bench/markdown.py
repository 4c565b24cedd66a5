"""Parts of a page in Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence


def filled(text: str) -> str:
    """The same with lines of even length; titles and tables stay as they are."""
    blocks = []
    for block in text.split("\n\n"):
        if block.startswith(("#", "|")):
            blocks.append(block)
            continue
        items = re.split(r"\n(?=- )", block)
        blocks.append(
            "\n".join(_fill(item, "  " if item.startswith("- ") else "") for item in items)
        )
    return "\n\n".join(blocks)


def _fill(text: str, indent: str) -> str:
    return textwrap.fill(
        " ".join(text.split()),
        width=100,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
