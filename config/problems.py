"""Everything that is wrong with a file or a set of keys, said at once and readable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError


@dataclass(frozen=True)
class Problem:
    """One fault: `where` (a key or a line), the bad `value` as written (None: not to be shown), and
    `reason`, which says what is allowed."""

    where: str
    reason: str
    value: str | None = None

    def __str__(self) -> str:
        shown = "" if self.value is None else f" = {self.value}"
        return f"{self.where}{shown}: {self.reason}"


class ConfigError(Exception):
    """What an administrator wrote cannot be used; ``str()`` lists every problem, one a line.

    ConfigError
    ├── SettingsError
    ├── RosterError
    └── TemplateError
    """

    def __init__(self, what: str, problems: Iterable[Problem]) -> None:
        self.what = what
        self.problems = tuple(problems)
        super().__init__(what, self.problems)

    def __str__(self) -> str:
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        count = len(self.problems)
        return f"{self.what}: {count} problem{'s' if count != 1 else ''}\n{lines}"


MAX_SHOWN = 60
"""Characters of a bad value that an error repeats."""


def shown(value: object) -> str:
    """A bad value as an error repeats it, on one line and not endlessly."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def problems_of(error: ValidationError, secret: frozenset[str]) -> Iterator[Problem]:
    """Each fault that pydantic found, under its dotted key; values of `secret` keys stay unsaid."""
    for fault in error.errors(include_url=False):
        key = ".".join(str(part) for part in fault["loc"]) or "(all)"
        hidden = fault["type"] == "missing" or key in secret or isinstance(fault["input"], dict)
        yield Problem(key, _reason(dict(fault)), None if hidden else shown(fault["input"]))


def _reason(fault: dict[str, Any]) -> str:
    if fault["type"] == "extra_forbidden":
        return "there is no such key"
    if fault["type"] == "missing":
        return "is missing"
    message: str = fault["msg"]
    return message.removeprefix("Value error, ")
