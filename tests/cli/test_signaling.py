"""How settings and templates become what signaling takes."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from cli.signaling import conference_template, conference_templates, server_options
from config.settings import load_settings
from config.templates import load_template


def test_the_default_conference_has_the_centre_first_and_63_remote_sites() -> None:
    template = conference_template(load_template("conference-2020"))
    assert template.central == "00"
    assert [site.order for site in template.sites] == list(range(64))
    assert len({site.code for site in template.sites}) == 64
    centre, first = template.sites[:2]
    assert (centre.code, centre.name) == ("00", "Điểm cầu Bộ Khoa học và Công nghệ")
    assert (first.code, first.name) == ("01", "Hà Nội")
    assert first.banner == "Sở Khoa học và Công nghệ thành phố Hà Nội"
    assert (first.lat, first.lon) == (21.028, 105.854)


def test_a_central_site_of_the_roster_keeps_its_place(tmp_path: Path) -> None:
    own = 'title="t"\norganizer="o"\nstarts_at="2020-07-10T08:00:00+07:00"\n'
    own += '[central]\ncode="48"\nname="Đà Nẵng chủ trì"\n'
    own += '[remote]\nroster="sites-2025.csv"\nbanner="b"\n'
    (tmp_path / "own.toml").write_text(own, encoding="utf-8")
    template = conference_template(load_template("own", [tmp_path]))
    assert template.central == "48"
    assert len(template.sites) == 34
    assert template.sites[0].name == "Đà Nẵng chủ trì"
    assert template.sites[0].lat is not None
    assert sum(site.code == "48" for site in template.sites) == 1


def test_a_broken_template_is_left_out_and_named_but_the_others_serve(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("title = 1", encoding="utf-8")
    settings = load_settings(
        {}, options={"data_dir": tmp_path, "conference.templates_dir": tmp_path}
    )
    with capture_logs() as lines:
        templates = conference_templates(settings)
    assert "conference-2020" in templates
    assert "broken" not in templates
    assert [line["template"] for line in lines] == ["broken"]


def test_settings_become_the_servers_plain_values(tmp_path: Path) -> None:
    settings = load_settings(
        {"DIEMCAU_NODE_TOKEN": "t" * 32},
        options={
            "data_dir": tmp_path,
            "signaling.port": 8123,
            "signaling.public_url": "https://hop.example.vn",
        },
    )
    options = server_options(settings)
    assert options.node_tokens == ("t" * 32,)
    assert (options.data_dir, options.host, options.port) == (tmp_path, "127.0.0.1", 8123)
    assert options.public_url == "https://hop.example.vn"
    assert options.default_template in options.templates


def test_the_turn_server_is_handed_on_and_its_secret_not_shown(tmp_path: Path) -> None:
    options = {
        "data_dir": tmp_path,
        "signaling.turn_urls": "turn:turn.example.vn:3478",
        "turn_secret": "long-enough-for-coturn",
    }
    relay = server_options(load_settings({}, options=options)).relay
    assert relay is not None
    assert relay.secret == "long-enough-for-coturn"
    assert relay.urls == ("turn:turn.example.vn:3478",)
    assert "coturn" not in repr(relay)
    assert server_options(load_settings({}, options={"data_dir": tmp_path})).relay is None
