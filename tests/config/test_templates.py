"""Templates: the default one, an administrator's own, and wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.templates import DEFAULT, TemplateError, list_templates, load_template

OWN = """
title = "Sơ kết 6 tháng đầu năm"
organizer = "Sở Khoa học và Công nghệ"
starts_at = "2020-07-10T08:00:00+07:00"
[central]
code = "01"
name = "Điểm cầu tỉnh"
[remote]
roster = "huyen.csv"
banner = "Phòng Kinh tế {full_name}"
"""
ROSTER = """code,slug,name,full_name,kind,region,capital,lat,lon
01,,Tỉnh,,,,,,
02,,Sơn Tây,thị xã Sơn Tây,,,,,
"""


def own_folder(folder: Path, template: str = OWN, roster: str = ROSTER) -> Path:
    (folder / "so-ket.toml").write_text(template, encoding="utf-8")
    (folder / "huyen.csv").write_text(roster, encoding="utf-8")
    return folder


def problems(folder: Path) -> list[str]:
    with pytest.raises(TemplateError) as caught:
        load_template("so-ket", [folder])
    return [str(problem) for problem in caught.value.problems]


def test_the_default_template_is_the_conference_of_2020() -> None:
    template = load_template(DEFAULT)
    assert template.title == "Hội nghị Giám đốc Sở Khoa học và Công nghệ toàn quốc năm 2020"
    assert template.organizer == "Bộ Khoa học và Công nghệ"
    assert template.starts_at.timestamp() == 1590714000
    assert template.central_code == "00"
    assert len(template.sites) == 63
    assert "00" not in {site.code for site in template.sites}
    assert len(template.themes.items) == 4


def test_banners_and_venues_are_filled_for_each_site() -> None:
    template = load_template(DEFAULT)
    ha_giang = next(site for site in template.sites if site.code == "02")
    assert template.banner(ha_giang) == "Sở Khoa học và Công nghệ tỉnh Hà Giang"
    assert template.venue(ha_giang) == "Phòng họp trực tuyến, chi nhánh VNPT Hà Giang"


def test_all_templates_that_come_with_the_service_can_be_read() -> None:
    names = list_templates()
    assert DEFAULT in names
    for name in names:
        assert load_template(name).key == name


def test_a_province_can_be_the_central_site_of_its_own_template(tmp_path: Path) -> None:
    folder = own_folder(tmp_path)
    assert list_templates([folder]) == sorted([*list_templates(), "so-ket"])
    template = load_template("so-ket", [folder])
    assert template.central_code == "01"
    assert template.central_row is not None
    assert template.central_row.name == "Tỉnh"
    assert [site.code for site in template.sites] == ["02"]
    assert template.banner(template.sites[0]) == "Phòng Kinh tế thị xã Sơn Tây"


def test_a_template_names_the_codec_of_its_pictures(tmp_path: Path) -> None:
    assert load_template(DEFAULT).codec == "VP8"
    own_folder(tmp_path, 'codec = "H264"\n' + OWN)
    assert load_template("so-ket", [tmp_path]).codec == "H264"
    own_folder(tmp_path, 'codec = "AV1"\n' + OWN)
    assert any("codec" in one and "H264" in one for one in problems(tmp_path))


def test_an_own_template_may_use_a_roster_that_comes_with_the_service(tmp_path: Path) -> None:
    folder = own_folder(tmp_path, OWN.replace("huyen.csv", "sites-2025.csv"))
    assert len(load_template("so-ket", [folder]).sites) == 33


@pytest.mark.parametrize(
    "name", ["", "none", "../conference-2020", "Conference-2020", "a/b", "x" * 65]
)
def test_a_template_that_does_not_exist_is_refused_by_name(name: str) -> None:
    with pytest.raises(TemplateError, match="there are: conference-2020"):
        load_template(name)


def test_every_problem_of_a_template_is_listed_with_its_key(tmp_path: Path) -> None:
    wrong = (
        OWN.replace('title = "Sơ kết 6 tháng đầu năm"', 'tilte = "x"')
        .replace("+07:00", "")
        .replace("{full_name}", "{__class__}")
    )
    found = problems(own_folder(tmp_path, wrong))
    assert [line.partition(":")[0].partition(" ")[0] for line in found] == [
        "title",
        "starts_at",
        "remote.banner",
        "tilte",
    ]


def test_problems_of_the_roster_carry_its_name_and_line(tmp_path: Path) -> None:
    (found,) = problems(own_folder(tmp_path, roster=ROSTER.replace("02,", "01,")))
    assert found == "huyen.csv, line 3, code = '01': stands on line 2 already"


def test_a_central_code_that_no_row_has(tmp_path: Path) -> None:
    (found,) = problems(own_folder(tmp_path, OWN.replace('"01"', '"77"')))
    assert found == "central.code = '77': no row of huyen.csv has it"


def test_a_file_that_is_not_toml(tmp_path: Path) -> None:
    (found,) = problems(own_folder(tmp_path, "title = "))
    assert found.startswith("file: Invalid value")


def test_a_roster_outside_the_folder_is_refused(tmp_path: Path) -> None:
    (found,) = problems(own_folder(tmp_path, OWN.replace("huyen.csv", "../huyen.csv")))
    assert found.startswith("remote.roster = '../huyen.csv': name a .csv file")
