"""What `diemcau doctor` finds, and that each finding says what to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cli.checks import (
    PAGES,
    check_all,
    check_data_dir,
    check_media_ports,
    check_packet_path,
    check_pages,
    check_python,
    check_reach,
    check_receive_buffer,
    check_tcp_port,
    check_template,
    check_time,
)
from cli.runfile import Run, write_run
from config.settings import Settings, load_settings
from tests.service import free_media_port, free_port

NOW = 1_800_000_000.0


def settings(data_dir: Path, **options: object) -> Settings:
    dotted = {key.replace("__", "."): value for key, value in options.items()}
    free = {
        "data_dir": data_dir,
        "signaling.port": free_port(),
        "bridge.media_port": free_media_port(),
    }
    return load_settings({}, options={**free, **dotted})


def pages(folder: Path) -> Path:
    for name in PAGES:
        (folder / name).touch()
    return folder


def test_python_of_today_and_of_yesterday() -> None:
    assert check_python((3, 11, 0)).level == "ok"
    old = check_python((3, 10, 12))
    assert (old.level, old.what) == ("fail", "Python 3.10.12")


def test_the_packet_path_is_compiled_here_and_plain_where_it_is_told_to_be(tmp_path: Path) -> None:
    found = [
        check_packet_path(settings(tmp_path, bridge__packet_path=one))
        for one in ("auto", "compiled", "python")
    ]
    assert [one.what for one in found] == [
        "packet path: compiled",
        "packet path: compiled",
        "packet path: python",
    ]
    assert {one.level for one in found} == {"ok"}


def test_a_packet_path_that_was_not_built_is_pointed_out(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['bridge.hotpath_fast'] = None\n"
        "from cli.checks import check_packet_path\n"
        "from config.settings import load_settings\n"
        "for one in ('auto', 'compiled', 'python'):\n"
        "    found = check_packet_path(load_settings({}, options={'bridge.packet_path': one}))\n"
        "    print(found.level, bool(found.advice))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["warn True", "fail True", "ok False"]


def test_a_taken_tcp_port_and_a_free_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = check_tcp_port(settings(tmp_path, signaling__port=taken.getsockname()[1]))
    assert found.level == "fail"
    assert "--port" in found.advice
    assert check_tcp_port(settings(tmp_path)).level == "ok"


def test_each_media_address_is_tried(tmp_path: Path) -> None:
    # 192.0.2.0/24 is for documentation (RFC 5737): no machine has it
    addresses = "127.0.0.1=203.0.113.7,192.0.2.1"
    found = list(check_media_ports(settings(tmp_path, bridge__media_addresses=addresses)))
    assert [finding.level for finding in found] == ["ok", "ok", "fail", "fail"]
    assert "announced as 203.0.113.7" in found[0].what
    assert "bridge.media_addresses" in found[2].advice


def test_media_over_tcp_are_tried_unless_they_are_off(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        _, found = check_media_ports(settings(tmp_path, bridge__media_tcp_port=port))
    assert found.level == "fail"
    assert "bridge.media_tcp_port" in found.advice
    assert len(list(check_media_ports(settings(tmp_path, bridge__media_tcp_port=0)))) == 1


@pytest.mark.parametrize(("size", "root"), [(212_992, "ok"), (8_388_608, "ok")])
def test_a_receive_buffer(tmp_path: Path, size: int, root: str) -> None:
    limit = tmp_path / "rmem_max"
    limit.write_text(f"{size}\n")
    found = check_receive_buffer(limit)
    small_for_us = size < 1_000_000 and os.geteuid() != 0
    assert found.level == ("warn" if small_for_us else root)
    assert not small_for_us or "net.core.rmem_max" in found.advice
    assert check_receive_buffer(tmp_path / "none").level == "warn"


def test_pages_that_were_not_built(tmp_path: Path) -> None:
    found = check_pages(tmp_path)
    assert found.level == "fail"
    assert "site.html" in found.what
    assert "make run" in found.advice
    assert check_pages(pages(tmp_path)).level == "ok"


def test_a_data_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (wrong,) = check_data_dir(settings(tmp_path / "file" / "data"))
    assert wrong.level == "fail"
    right = next(check_data_dir(settings(tmp_path / "new" / "data")))
    assert right.level == "ok"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("public_url", "media", "level", "word"),
    [
        (None, "127.0.0.1", "warn", "only this machine"),
        ("https://hop.example.vn", "127.0.0.1", "fail", "media only 127.0.0.1"),
        ("http://hop.example.vn", "203.0.113.7", "fail", "no camera to plain HTTP"),
        (None, "203.0.113.7", "warn", "links say http://127.0.0.1"),
        ("https://hop.example.vn", "203.0.113.7", "ok", "https://hop.example.vn"),
    ],
)
def test_links_and_media_must_be_reachable_by_the_same_people(
    tmp_path: Path, public_url: str | None, media: str, level: str, word: str
) -> None:
    found = check_reach(
        settings(tmp_path, signaling__public_url=public_url, bridge__media_addresses=media)
    )
    assert found.level == level
    assert word in found.what
    assert (found.advice == "") is (level == "ok")


def test_a_template_that_is_wrong(tmp_path: Path) -> None:
    assert check_template(settings(tmp_path)).what == "template conference-2020: 63 remote sites"
    wrong = check_template(settings(tmp_path, conference__default_template="none"))
    assert wrong.level == "fail"


def test_a_clock_that_is_years_behind_or_not_synchronised(tmp_path: Path) -> None:
    assert check_time(1_000_000_000.0, tmp_path / "none").level == "fail"
    assert check_time(NOW, tmp_path / "none").level == "ok"
    assert check_time(NOW, tmp_path).level == "warn"
    (tmp_path / "synchronized").touch()
    assert check_time(NOW, tmp_path).level == "ok"


def test_a_running_service_holds_its_ports_rightly(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as ours:
        held = settings(tmp_path, signaling__port=ours.getsockname()[1])
        write_run(tmp_path, Run("http://a", "http://a", {"up": os.getpid()}))
        found = list(check_all(held, pages(tmp_path), NOW))
    assert any(finding.what.startswith("a service runs here at http://a") for finding in found)
    assert not any(finding.level == "fail" for finding in found)


@pytest.mark.parametrize(("public_url", "status"), [("", 0), ("https://hop.example.vn", 1)])
def test_the_command_ends_with_1_if_anything_would_fail(
    tmp_path: Path, public_url: str, status: int
) -> None:
    environ = {**os.environ, "DIEMCAU_SIGNALING__PUBLIC_URL": public_url}
    if not public_url:
        del environ["DIEMCAU_SIGNALING__PUBLIC_URL"]
    ports = ("--port", str(free_port()), "--media-port", str(free_media_port()))
    done = subprocess.run(
        [sys.executable, "-m", "cli", "doctor", "--data-dir", str(tmp_path), *ports],
        capture_output=True,
        text=True,
        env=environ,
        check=False,
    )
    pages_are_built = "fail pages" not in done.stdout
    assert done.returncode == (status if pages_are_built else 1)
    assert ("fail links say" in done.stdout) is bool(status)
    assert done.stdout.isascii() or "→" in done.stdout
