"""What is handed out: safe in a spreadsheet, safe in a browser, readable by a camera."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re

from signaling.sheet import COLUMNS, as_csv, as_html, as_qr_file, style_source
from signaling.wire.ids import SiteCode
from signaling.wire.rest import SiteLink

LINK = SiteLink(
    SiteCode("48"),
    "Đà Nẵng",
    "https://hop.example.vn/c/a/s/48/#t=" + "e" * 250,
    1_750_000_000.0,
    "48-ABCDEFGH",
)
REVOKED = SiteLink(SiteCode("01"), "Hà Nội", "", 1_750_000_000.0, "", revoked=True)


def test_table_has_a_line_for_each_site_with_vietnamese_time() -> None:
    text = as_csv([LINK, REVOKED])

    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert tuple(rows[0]) == COLUMNS
    assert rows[1] == ["48", "Đà Nẵng", "48-ABCDEFGH", LINK.url, "2025-06-15T22:06+07:00", "0"]
    assert rows[2] == ["01", "Hà Nội", "", "", "2025-06-15T22:06+07:00", "1"]


def test_name_that_is_a_formula_is_only_text_in_a_spreadsheet() -> None:
    evil = SiteLink(SiteCode("48"), '=HYPERLINK("x")', LINK.url, 0.0)

    rows = list(csv.reader(io.StringIO(as_csv([evil]))))

    assert rows[1][1] == '\'=HYPERLINK("x")'


def test_sheet_shows_name_code_link_and_picture_of_each_site() -> None:
    page = as_html("Hội nghị", [LINK, REVOKED], "https://hop.example.vn/join")

    assert page.count('<section class="card">') == 2
    assert page.count("<svg") == 1
    for text in ("Hội nghị", "Đà Nẵng", "48-ABCDEFGH", LINK.url, "22:06, 15/06/2025", "/join"):
        assert text in page
    assert "đã thu hồi" in page


def test_sheet_cannot_be_made_to_run_anything() -> None:
    evil = SiteLink(SiteCode("48"), "<script>alert(1)</script>", '"><img src=x>', 0.0)

    page = as_html("<b>$title</b>", [evil], "https://hop.example.vn/join")

    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;b&gt;$title" in page
    assert " style=" not in page


def test_style_is_the_one_that_the_policy_names() -> None:
    style = re.search(r"<style>(.*)</style>", as_html("x", [], "y"), re.DOTALL)

    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert style_source() == f"'sha256-{digest}'"


def test_picture_is_an_svg_file() -> None:
    assert b"<svg" in as_qr_file(LINK.url)
