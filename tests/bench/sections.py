"""Sections of a page in Markdown, each from its title ("## …") to the next."""

from __future__ import annotations

import re

LAST = "## What this does not show"
"""What has been added comes before this one."""


def put(page: str, section: str) -> str:
    """The page with this section, in the place of the one with its title, or before the last."""
    parts = _parts(page)
    title = _title(section)
    place = next((index for index, one in enumerate(parts) if _title(one) == title), None)
    if place is not None:
        parts[place] = section
    else:
        last = next((index for index, one in enumerate(parts) if _title(one) == LAST), len(parts))
        parts.insert(last, section)
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def kept(page: str, before: str) -> str:
    """A page written anew, with those sections of the former one that it lacks: they are measured
    apart."""
    titles = {_title(one) for one in _parts(page)}
    for section in _parts(before)[1:]:
        if _title(section) not in titles:
            page = put(page, section)
    return page


def _parts(page: str) -> list[str]:
    return re.split(r"^(?=## )", page, flags=re.MULTILINE)


def _title(section: str) -> str:
    return section.partition("\n")[0]
