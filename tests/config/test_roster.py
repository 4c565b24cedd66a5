"""Rosters: the ones that come with the service, and every way in which one can be wrong."""

from __future__ import annotations

import contextlib
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.roster import COLUMNS, MAX_ROWS, RosterError, load_roster, parse_roster
from config.templates import ROSTERS

HEADER = ",".join(COLUMNS)
HA_NOI = "01,ha-noi,Hà Nội,thành phố Hà Nội,thành phố,Đồng bằng sông Hồng,Hà Nội,21.028,105.854"
HA_GIANG = "02,ha-giang,Hà Giang,tỉnh Hà Giang,tỉnh,Miền núi phía Bắc,Hà Giang,22.823,104.984"


def csv(*lines: str, end: str = "\n") -> bytes:
    return (end.join(lines) + end).encode()


def problems(data: bytes) -> list[str]:
    with pytest.raises(RosterError) as caught:
        parse_roster(data, "sites.csv")
    assert str(caught.value).startswith("roster sites.csv: ")
    return [str(problem) for problem in caught.value.problems]


def test_the_roster_of_2020_has_63_sites_with_intact_names() -> None:
    sites = load_roster(ROSTERS / "sites-2020.csv")
    assert len(sites) == 63
    assert len({site.code for site in sites}) == 63
    names = {site.code: site.name for site in sites}
    assert (names["01"], names["48"], names["79"]) == ("Hà Nội", "Đà Nẵng", "Thành phố Hồ Chí Minh")
    assert names["66"] == "Đắk Lắk"
    for site in sites:
        for text in (site.name, site.full_name, site.region, site.capital):
            assert text
            assert unicodedata.is_normalized("NFC", text)
            assert "\N{REPLACEMENT CHARACTER}" not in text
        assert site.lat is not None
        assert site.lon is not None
        assert 8 < site.lat < 24
        assert 102 < site.lon < 110


def test_the_roster_of_2025_has_34_sites() -> None:
    sites = load_roster(ROSTERS / "sites-2025.csv")
    assert len(sites) == 34
    assert len({site.slug for site in sites}) == 34


def test_a_row_becomes_a_site() -> None:
    (site,) = parse_roster(csv(HEADER, HA_GIANG), "sites.csv")
    assert (site.code, site.slug, site.name) == ("02", "ha-giang", "Hà Giang")
    assert (site.full_name, site.kind) == ("tỉnh Hà Giang", "tỉnh")
    assert (site.lat, site.lon) == (22.823, 104.984)


def test_byte_order_mark_and_crlf_are_welcome() -> None:
    plain = parse_roster(csv(HEADER, HA_NOI, HA_GIANG), "a")
    windows = parse_roster(b"\xef\xbb\xbf" + csv(HEADER, HA_NOI, HA_GIANG, "", end="\r\n"), "b")
    assert windows == plain


def test_names_typed_with_combining_marks_come_out_composed() -> None:
    typed = unicodedata.normalize("NFD", HA_NOI)
    assert typed != HA_NOI
    assert parse_roster(csv(HEADER, typed), "a") == parse_roster(csv(HEADER, HA_NOI), "b")


def test_cells_that_may_be_empty() -> None:
    (site,) = parse_roster(csv(HEADER, "01,,Lớp A,,,,,,"), "sites.csv")
    assert (site.full_name, site.lat, site.lon) == ("Lớp A", None, None)


def test_a_duplicate_code_names_both_lines() -> None:
    second = HA_GIANG.replace("02,", "01,")
    assert problems(csv(HEADER, HA_NOI, "", second)) == [
        "line 4, code = '01': stands on line 2 already"
    ]


def test_a_stripped_leading_zero_is_recognised() -> None:
    lines = [HEADER, HA_NOI.replace("01,", "1,"), HA_GIANG]
    assert problems(csv(*lines)) == ["line 2, code: 1 → 01? A spreadsheet drops leading zeros"]


def test_a_stripped_zero_is_put_back_to_the_width_of_its_siblings() -> None:
    lines = [HEADER, HA_NOI.replace("01,", "1,"), HA_GIANG.replace("02,", "002,")]
    assert problems(csv(*lines)) == ["line 2, code: 1 → 001? A spreadsheet drops leading zeros"]


def test_broken_utf8_is_found_with_line_and_byte() -> None:
    data = csv(HEADER, HA_NOI) + b"02,ha-giang,H\xe0 Giang,,,,,,\n"
    assert problems(data) == [
        "line 3, byte 14: not UTF-8 (0xe0); save the file as “CSV UTF-8”",
    ]


def test_all_problems_are_listed_at_once() -> None:
    found = problems(
        csv(
            HEADER,
            HA_NOI.replace("Hà Nội,thành", ",thành"),
            HA_GIANG.replace("22.823", "22,823"),
            "03,x,Ba,,,,,91,105",
            "04,x,Bốn,,,,,21.0,",
            "05,Ha Noi,Năm,,,,,nan,105",
            "00,trung-tam,Sáu,,,,,,",
            "AB,bay,Bảy,,,,,,",
        )
    )
    assert found == [
        "line 2, name: is missing",
        "line 3: 10 cells, but the header has 9 columns",
        "line 4, lat = '91': −90 to 90 degrees are allowed",
        "line 5, lat and lon: give both or neither",
        "line 5, slug = 'x': stands on line 4 already",
        "line 6, slug = 'Ha Noi': a–z, 0–9 and single hyphens are allowed",
        "line 6, lat = 'nan': write degrees with a decimal point, such as 21.028",
        "line 7, code = '00': is the central site's and cannot be a roster row",
        "line 8, code = 'AB': two to eight digits are allowed",
    ]


def test_missing_unknown_and_repeated_columns() -> None:
    header = HEADER.replace("region", "vung").replace("capital", "kind")
    found = problems(csv(header, HA_NOI))
    assert "line 1: column region is missing" in found
    assert "line 1: column capital is missing" in found
    assert "line 1: column kind stands there 2 times" in found
    assert any(
        line.startswith("line 1: column 'vung' is not known; allowed: code,") for line in found
    )


def test_semicolons_get_their_own_advice() -> None:
    assert problems(csv(HEADER.replace(",", ";"), HA_NOI.replace(",", ";"))) == [
        "line 1: columns are parted by commas here, not by semicolons or tabs"
    ]


@pytest.mark.parametrize("data", [b"", b"\n\r\n", b"\xef\xbb\xbf", b",,,\n"])
def test_an_empty_file(data: bytes) -> None:
    assert problems(data) == [f"line 1: the file is empty; expected {HEADER}"]


def test_a_header_alone_is_no_roster() -> None:
    assert problems(csv(HEADER)) == ["line 1: no site follows the header"]


def test_one_site_too_many() -> None:
    rows = [f"{number:05},,Xã {number},,,,,," for number in range(1, MAX_ROWS + 2)]
    assert problems(csv(HEADER, *rows)) == ["line 4002: 4001 sites, at most 4000 are allowed"]
    assert len(parse_roster(csv(HEADER, *rows[:-1]), "sites.csv")) == MAX_ROWS


def test_an_open_quote_is_named_with_the_line_where_it_opens() -> None:
    (found,) = problems(csv(HEADER, HA_NOI, '02,"ha-giang,Hà Giang', HA_GIANG))
    assert found.startswith("line 3: not CSV (")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match="No such file"):
        load_roster(tmp_path / "none.csv")


@given(
    st.binary(max_size=400) | st.text(max_size=200).map(lambda text: f"{HEADER}\n{text}".encode())
)
def test_whatever_the_bytes_a_roster_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(RosterError):
        assert parse_roster(data, "fuzz.csv")
