"""Settings: which source wins, and that everything wrong is said at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import config
from config.settings import Settings, SettingsError, keys, load_settings, variable

EXAMPLE = Path(config.__file__).parent / "diemcau.example.toml"
TOKEN = "t" * 32
OTHER_TOKEN = "o" * 32


def problems(environ: dict[str, str], path: Path | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, path)
    return [str(problem) for problem in caught.value.problems]


def toml(folder: Path, text: str) -> Path:
    path = folder / "diemcau.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_any_source_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings({}, options={"data_dir": tmp_path})
    assert settings.signaling.port == 8080
    assert settings.bridge.media_port == 40000
    assert settings.signaling.url == "http://127.0.0.1:8080"
    assert settings.signaling_url == "http://127.0.0.1:8080"
    assert settings.node_token is None
    assert settings.secrets == tmp_path / "secrets"


def test_each_source_wins_over_the_one_before(tmp_path: Path) -> None:
    path = toml(
        tmp_path,
        f'data_dir = "{tmp_path}"\nnode_token = "{TOKEN}"\n'
        '[signaling]\nport = 1001\nhost = "127.0.0.2"\n[bridge]\nmedia_port = 1002\n',
    )
    environ = {"DIEMCAU_SIGNALING__PORT": "2001", "DIEMCAU_BRIDGE__MEDIA_PORT": "2002"}
    settings = load_settings(environ, path, {"bridge.media_port": 3002, "signaling.port": None})
    assert settings.signaling.host == "127.0.0.2"
    assert settings.signaling.port == 2001
    assert settings.bridge.media_port == 3002
    assert settings.node_token is not None
    assert settings.node_token.get_secret_value() == TOKEN


def test_a_file_in_the_secrets_folder_wins_over_the_environment(tmp_path: Path) -> None:
    (tmp_path / "node_token").write_text(OTHER_TOKEN + "\n")
    environ = {"DIEMCAU_NODE_TOKEN": TOKEN, "DIEMCAU_SECRETS_DIR": str(tmp_path)}
    settings = load_settings(environ)
    assert settings.node_token is not None
    assert settings.node_token.get_secret_value() == OTHER_TOKEN


def test_the_environment_can_name_the_file(tmp_path: Path) -> None:
    path = toml(tmp_path, "[signaling]\nport = 1001\n")
    assert load_settings({"DIEMCAU_CONFIG": str(path)}).signaling.port == 1001


def test_media_addresses_are_split_at_commas(tmp_path: Path) -> None:
    environ = {"DIEMCAU_BRIDGE__MEDIA_ADDRESSES": "203.0.113.7, ::1"}
    settings = load_settings(environ, options={"data_dir": tmp_path})
    assert settings.bridge.media_addresses == ("203.0.113.7", "::1")


def test_a_media_address_may_be_announced_as_another(tmp_path: Path) -> None:
    path = toml(
        tmp_path,
        '[bridge]\nmedia_addresses = ["10.0.0.5", "10.0.0.5 = 203.0.113.7", "2001:db8:0::5"]\n',
    )
    bridge = load_settings({}, path, {"data_dir": tmp_path}).bridge
    assert bridge.announced == ("10.0.0.5", "203.0.113.7", "2001:db8::5")
    assert bridge.bound == {
        "10.0.0.5": ("10.0.0.5", "203.0.113.7"),
        "2001:db8::5": ("2001:db8::5",),
    }


@pytest.mark.parametrize(
    ("addresses", "reason"),
    [
        ("10.0.0.5=", "'' is not an IP address"),
        ("10.0.0.5=0.0.0.0", "0.0.0.0 is no address that a peer could send to"),
        ("10.0.0.5=2001:db8::1", "'10.0.0.5=2001:db8::1' mixes IPv4 and IPv6"),
        ("10.0.0.5=203.0.113.7,10.0.0.6=203.0.113.7", "203.0.113.7 is announced twice"),
        ("10.0.0.5:3478", "'10.0.0.5:3478' is not an IP address"),
    ],
)
def test_a_media_address_that_peers_could_not_use(addresses: str, reason: str) -> None:
    [found] = problems({"DIEMCAU_BRIDGE__MEDIA_ADDRESSES": addresses}, None)
    assert found.startswith("bridge.media_addresses")
    assert reason in found


@pytest.mark.parametrize(("set_to", "port"), [(None, 40000), ("0", None), ("443", 443)])
def test_media_over_tcp_take_the_number_of_udp_unless_told(
    set_to: str | None, port: int | None
) -> None:
    environ = {} if set_to is None else {"DIEMCAU_BRIDGE__MEDIA_TCP_PORT": set_to}
    assert load_settings(environ).bridge.tcp_port == port


def test_a_turn_server_needs_its_secret_which_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    environ = {
        "DIEMCAU_DATA_DIR": str(tmp_path),
        "DIEMCAU_SIGNALING__TURN_URLS": "turn:[::1]:3478,turns:turn.example.vn:443?transport=tcp",
    }
    [found] = problems(environ, None)
    assert "signaling.turn_urls needs turn_secret" in found
    (tmp_path / "secrets" / "turn_secret").write_text("too short\n")
    [found] = problems(environ, None)
    assert found.startswith("turn_secret")
    assert "too short" not in found
    (tmp_path / "secrets" / "turn_secret").write_text("long enough for coturn\n".replace(" ", "-"))
    settings = load_settings(environ)
    assert settings.turn_secret is not None
    assert settings.turn_secret.get_secret_value() == "long-enough-for-coturn"
    assert "coturn" not in repr(settings)
    assert len(settings.signaling.turn_urls) == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://turn.example.vn",
        "turn:turn.example.vn:99999",
        "turn://turn.example.vn",
        "turn:a?transport=sctp",
        "turns:turn.example.vn?transport=udp",
        "turn:user@turn.example.vn",
    ],
)
def test_a_turn_url_that_no_browser_takes(url: str) -> None:
    found = problems(
        {"DIEMCAU_SIGNALING__TURN_URLS": url, "DIEMCAU_TURN_SECRET": "long-enough-for-coturn"}, None
    )
    assert [line.partition(" = ")[0] for line in found] == ["signaling.turn_urls.0"]


def test_everything_wrong_is_said_at_once_with_key_value_and_reason(tmp_path: Path) -> None:
    path = toml(tmp_path, "colour = 1\n[signaling]\nport = 0\nhots = 1\n[log]\nlevel = 'loud'\n")
    found = problems(
        {
            "DIEMCAU_DATA_DIR": str(tmp_path),
            "DIEMCAU_SIGNALING__PROT": "8080",
            "DIEMCAU_BRIDGE__MEDIA_ADDRESSES": "0.0.0.0,hanoi",
            "DIEMCAU_BRIDGE__SIGNALING_URL": "ws://a",
        },
        path,
    )
    assert found[0] == (
        "environment DIEMCAU_SIGNALING__PROT: there is no such key; "
        "did you mean DIEMCAU_SIGNALING__PORT?"
    )
    starts = [
        "log.level = 'loud': Input should be 'debug', 'info', 'warning' or 'error'",
        "signaling.port = 0: Input should be greater than or equal to 1",
        "signaling.hots = 1: there is no such key",
        "bridge.signaling_url = 'ws://a': write it as browsers open it",
        "bridge.media_addresses.0 = '0.0.0.0': 0.0.0.0 is no address that a peer could send to",
        "bridge.media_addresses.1 = 'hanoi': 'hanoi' is not an IP address",
        "colour = 1: there is no such key",
    ]
    assert len(found) == len(starts) + 1
    for start, line in zip(starts, found[1:], strict=True):
        assert line.startswith(start)


def test_the_readable_list_has_one_line_for_each_problem() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"DIEMCAU_LOG__LEVEL": "loud", "DIEMCAU_SIGNALING__PORT": "x"})
    lines = str(caught.value).splitlines()
    assert lines[0] == "settings: 2 problems"
    assert len(lines) == 3


def test_a_bad_secret_is_never_shown() -> None:
    (found,) = problems({"DIEMCAU_NODE_TOKEN": "hush-hush"})
    assert found == ("node_token: 32 to 512 letters, digits, hyphens and underscores are allowed")


def test_a_good_secret_is_not_shown_either() -> None:
    settings = load_settings({"DIEMCAU_NODE_TOKEN": TOKEN})
    assert TOKEN not in repr(settings)
    assert TOKEN not in str(settings)


@pytest.mark.parametrize(
    "url", ["hop.example.vn", "ftp://a", "https://a/b", "https://a?b", "https://a:99999", "http://"]
)
def test_a_public_url_is_scheme_host_and_port(url: str) -> None:
    (found,) = problems({"DIEMCAU_SIGNALING__PUBLIC_URL": url})
    assert found.startswith(f"signaling.public_url = '{url}': ")


def test_outside_loopback_the_public_url_must_be_said() -> None:
    (found,) = problems({"DIEMCAU_SIGNALING__HOST": "0.0.0.0"})
    assert "signaling.public_url must say under which address" in found
    settings = load_settings(
        {
            "DIEMCAU_SIGNALING__HOST": "0.0.0.0",
            "DIEMCAU_SIGNALING__PUBLIC_URL": "https://hop.example.vn/",
        }
    )
    assert settings.signaling.url == "https://hop.example.vn"
    assert settings.signaling_url == "http://127.0.0.1:8080"


def test_a_file_that_is_missing_or_no_toml(tmp_path: Path) -> None:
    (missing,) = problems({}, tmp_path / "none.toml")
    assert missing == f"file {tmp_path / 'none.toml'}: No such file or directory"
    (broken,) = problems({}, toml(tmp_path, "port = = 1"))
    assert "is not TOML: Invalid value (at line 1, column 8)" in broken


def test_the_example_lists_every_key_and_no_other() -> None:
    assert sorted(_keys_of_example()) == sorted(keys())


def test_the_example_loads_to_the_defaults() -> None:
    assert load_settings({}, EXAMPLE) == Settings()


def test_the_example_has_a_reason_above_every_key() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if _key(line):
            above = lines[number - 1]
            assert above.startswith("# "), line
            assert not _key(above), line


def test_each_key_has_its_variable() -> None:
    assert variable("data_dir") == "DIEMCAU_DATA_DIR"
    assert variable("signaling.public_url") == "DIEMCAU_SIGNALING__PUBLIC_URL"
    assert len({variable(key) for key in keys()}) == len(list(keys()))


def _key(line: str) -> str | None:
    found = re.match(r"(?:# )?([a-z_]+) = ", line)
    return found[1] if found else None


def _keys_of_example() -> list[str]:
    found: list[str] = []
    section = ""
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]") + "."
        elif key := _key(line):
            found.append(section + key)
    return found


def test_trusted_proxies_are_addresses_and_networks() -> None:
    settings = load_settings({"DIEMCAU_SIGNALING__TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8"})
    assert settings.signaling.trusted_proxies == ("127.0.0.1/32", "10.0.0.0/8")

    with pytest.raises(SettingsError, match=r"signaling\.trusted_proxies"):
        load_settings({"DIEMCAU_SIGNALING__TRUSTED_PROXIES": "10.0.0.1/8"})
