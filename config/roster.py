"""Rosters: which sites there are, as CSV that a province's staff can edit in a spreadsheet.

UTF-8 (a byte order mark and CRLF are welcome), commas, a header line with the names in `COLUMNS`.
Names come out in Unicode NFC whatever keyboard wrote them, so that equal names are equal strings.
"""

from __future__ import annotations

import codecs
import csv
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from config.problems import ConfigError, Problem, shown
from signaling.wire.ids import CENTRAL, SiteCode

COLUMNS = ("code", "slug", "name", "full_name", "kind", "region", "capital", "lat", "lon")
"""The columns of a roster; all must be there, in any order."""
EXTRA_COLUMNS = ("merged_from",)
"""Columns that may be there and are not read: notes for people."""
MAX_ROWS = 4000
"""Sites of one roster: 34 provinces and 3,321 communes, with room."""
MAX_BYTES = 4 * 1024 * 1024
"""Bytes of a roster file."""

_CODE = re.compile(r"[0-9]{2,8}")
_SHORT_CODE = re.compile(r"[0-9]")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Site:
    """One row. `code` is digits with its leading zeros; `lat` and `lon` are degrees (WGS 84) or
    both None; `full_name` is `name` with its kind in front, as a banner writes it."""

    code: SiteCode
    slug: str
    name: str
    full_name: str
    kind: str
    region: str
    capital: str
    lat: float | None
    lon: float | None


class RosterError(ConfigError):
    """A roster that cannot be used; lists every problem with its line."""


def load_roster(path: Path) -> tuple[Site, ...]:
    """Read a roster file.

    Raises:
        RosterError: it cannot be opened, or any row is wrong; all problems are listed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RosterError(
            f"roster {path}", [Problem("file", error.strerror or "unreadable")]
        ) from None
    return parse_roster(data, path.name)


def parse_roster(data: bytes, name: str) -> tuple[Site, ...]:
    """Read a roster's bytes; `name` is what errors call it. Sites come in the order of the file.

    Raises:
        RosterError: as `load_roster`.
    """
    problems: list[Problem] = []
    if len(data) > MAX_BYTES:
        reason = f"{len(data)} bytes, at most {MAX_BYTES} are allowed"
        raise RosterError(f"roster {name}", [Problem("file", reason)])
    lines = _decode(data, problems)
    sites = _read(lines, problems)
    if problems:
        raise RosterError(f"roster {name}", problems)
    return tuple(sites)


def _decode(data: bytes, problems: list[Problem]) -> list[str]:
    """Text lines; what is not UTF-8 becomes a problem and U+FFFD, so that reading can go on."""
    text: list[str] = []
    for number, line in enumerate(data.removeprefix(codecs.BOM_UTF8).split(b"\n"), start=1):
        try:
            text.append(line.decode() + "\n")
        except UnicodeDecodeError as error:
            bad = f"0x{line[error.start]:02x}"
            reason = f"not UTF-8 ({bad}); save the file as “CSV UTF-8”"
            problems.append(Problem(f"line {number}, byte {error.start + 1}", reason))
            text.append(line.decode(errors="replace") + "\n")
    return text


def _read(lines: list[str], problems: list[Problem]) -> list[Site]:
    rows = list(_rows(lines, problems))
    if not rows:
        problems.append(Problem("line 1", f"the file is empty; expected {','.join(COLUMNS)}"))
        return []
    (header_line, header), body = rows[0], rows[1:]
    columns = [cell.lower() for cell in header]
    wrong = list(_check_header(header_line, columns))
    if wrong:
        problems.extend(wrong)
        return []
    if not body:
        problems.append(Problem(f"line {header_line}", "no site follows the header"))
    if len(body) > MAX_ROWS:
        where = f"line {body[MAX_ROWS][0]}"
        problems.append(Problem(where, f"{len(body)} sites, at most {MAX_ROWS} are allowed"))
        return []
    return _sites(columns, body, problems)


def _rows(lines: list[str], problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, trimmed and in NFC, each with the line on which it starts."""
    reader = csv.reader(lines, strict=True)
    start = 1
    try:
        for row in reader:
            cells = [unicodedata.normalize("NFC", cell.strip()) for cell in row]
            if any(cells):
                yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(f"line {start}", f"not CSV ({error})"))


def _check_header(line: int, columns: list[str]) -> Iterator[Problem]:
    where = f"line {line}"
    if len(columns) == 1 and (";" in columns[0] or "\t" in columns[0]):
        yield Problem(where, "columns are parted by commas here, not by semicolons or tabs")
        return
    for column in COLUMNS:
        if column not in columns:
            yield Problem(where, f"column {column} is missing")
    for column, count in Counter(columns).items():
        if column not in COLUMNS and column not in EXTRA_COLUMNS:
            yield Problem(
                where, f"column {shown(column)} is not known; allowed: {', '.join(COLUMNS)}"
            )
        elif count > 1:
            yield Problem(where, f"column {column} stands there {count} times")


def _sites(
    columns: list[str], body: list[tuple[int, list[str]]], problems: list[Problem]
) -> list[Site]:
    sites: list[Site] = []
    lines: dict[str, dict[str, int]] = {"code": {}, "slug": {}}
    width = _code_width(row[columns.index("code")] for _, row in body if len(row) == len(columns))
    for line, row in body:
        if len(row) != len(columns):
            reason = f"{len(row)} cells, but the header has {len(columns)} columns"
            problems.append(Problem(f"line {line}", reason))
            continue
        cells = dict(zip(columns, row, strict=True))
        wrong = [
            *_check_texts(cells, width),
            *_check_place(cells),
            *_check_unique(line, cells, lines),
        ]
        problems.extend(
            Problem(f"line {line}, {wrong_one.where}", wrong_one.reason, wrong_one.value)
            for wrong_one in wrong
        )
        if not wrong:
            sites.append(_site(cells))
    return sites


def _code_width(codes: Iterable[str]) -> int:
    """Digits that most codes of the file have; what a stripped leading zero is put back to."""
    widths = Counter(len(code) for code in codes if _CODE.fullmatch(code))
    return max(widths, key=lambda width: (widths[width], -width), default=2)


def _check_texts(cells: dict[str, str], width: int) -> Iterator[Problem]:
    code = cells["code"]
    if not code:
        yield Problem("code", "is missing")
    elif _SHORT_CODE.fullmatch(code):
        yield Problem("code", f"{code} → {code.zfill(width)}? A spreadsheet drops leading zeros")
    elif not _CODE.fullmatch(code):
        yield Problem("code", "two to eight digits are allowed", shown(code))
    elif code == CENTRAL:
        yield Problem("code", "is the central site's and cannot be a roster row", shown(code))
    if not cells["name"]:
        yield Problem("name", "is missing")
    if cells["slug"] and not _SLUG.fullmatch(cells["slug"]):
        yield Problem("slug", "a–z, 0–9 and single hyphens are allowed", shown(cells["slug"]))
    for column in ("name", "full_name", "kind", "region", "capital"):
        if any(unicodedata.category(sign) == "Cc" for sign in cells[column]):
            yield Problem(column, "has a line break or control character", shown(cells[column]))


def _check_place(cells: dict[str, str]) -> Iterator[Problem]:
    for column, limit in (("lat", 90), ("lon", 180)):
        text = cells[column]
        if text and (number := _number(text)) is None:
            reason = "write degrees with a decimal point, such as 21.028"
            yield Problem(column, reason, shown(text))
        elif text and number is not None and abs(number) > limit:
            yield Problem(column, f"−{limit} to {limit} degrees are allowed", shown(text))
    if bool(cells["lat"]) != bool(cells["lon"]):
        yield Problem("lat and lon", "give both or neither")


def _check_unique(
    line: int, cells: dict[str, str], lines: dict[str, dict[str, int]]
) -> Iterator[Problem]:
    for column, seen in lines.items():
        value = cells[column]
        if value and (first := seen.setdefault(value, line)) != line:
            yield Problem(column, f"stands on line {first} already", shown(value))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None


def _site(cells: dict[str, str]) -> Site:
    return Site(
        code=SiteCode(cells["code"]),
        slug=cells["slug"],
        name=cells["name"],
        full_name=cells["full_name"] or cells["name"],
        kind=cells["kind"],
        region=cells["region"],
        capital=cells["capital"],
        lat=_number(cells["lat"]) if cells["lat"] else None,
        lon=_number(cells["lon"]) if cells["lon"] else None,
    )
