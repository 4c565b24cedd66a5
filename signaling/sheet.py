"""Links to hand out: as a table for spreadsheets, as a printed sheet, as QR codes. Pure.

What people read stands in ``texts/``, not here.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import html
import io
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from string import Template

import segno

from signaling.wire.rest import SiteLink

TEXTS = Path(__file__).parent / "texts"
LOCAL = timezone(timedelta(hours=7))
"""Vietnam has one time zone, without summer time."""
COLUMNS = ("site", "name", "code", "url", "expires_at", "revoked")
BYTE_ORDER_MARK = "\ufeff"
"""Without it spreadsheets take UTF-8 for something else."""


def as_csv(links: list[SiteLink]) -> str:
    """One line per site (RFC 4180), times as in ISO 8601, Vietnam's."""
    out = io.StringIO()
    out.write(BYTE_ORDER_MARK)
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    for link in links:
        until = _local(link.expires_at).isoformat(timespec="minutes")
        cells = (link.site, link.name, link.code, link.url, until, str(int(link.revoked)))
        rows.writerow([_no_formula(cell) for cell in cells])
    return out.getvalue()


def as_html(title: str, links: list[SiteLink], join_url: str) -> str:
    """A page to print: one card per site. `title` is the conference's."""
    cards = "".join(_card(link, join_url) for link in links)
    return _text("sheet.html").substitute(title=html.escape(title), style=style(), cards=cards)


def style_source() -> str:
    """The page's style as a Content-Security-Policy names it."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    return f"'sha256-{digest}'"


def as_qr_file(url: str) -> bytes:
    """An SVG file with the link as a QR code."""
    out = io.BytesIO()
    _qr(url).save(out, kind="svg", border=2, scale=4)
    return out.getvalue()


@cache
def style() -> str:
    """The page's style sheet."""
    return (TEXTS / "sheet.css").read_text(encoding="utf-8")


@cache
def _text(name: str) -> Template:
    return Template((TEXTS / name).read_text(encoding="utf-8"))


def _card(link: SiteLink, join_url: str) -> str:
    told = {"site": html.escape(link.site), "name": html.escape(link.name)}
    if link.revoked:
        return _text("revoked.html").substitute(told)
    return _text("card.html").substitute(
        told,
        picture=_qr(link.url).svg_inline(border=2, omitsize=True, svgclass=None, lineclass=None),
        join=html.escape(join_url),
        code=html.escape(link.code),
        until=f"{_local(link.expires_at):%H:%M, %d/%m/%Y}",
        url=html.escape(link.url),
    )


def _qr(url: str) -> segno.QRCode:
    return segno.make_qr(url, error="m")


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at, LOCAL)


def _no_formula(cell: str) -> str:
    """A spreadsheet must not compute what somebody has named a site."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
