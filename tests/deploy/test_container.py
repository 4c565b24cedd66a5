"""The image's recipe and the compose file, as far as they can be judged without building."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import load_settings
from tests.deploy.tools import DEPLOY, ROOT, passes, run

RECIPE = DEPLOY / "Dockerfile"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
EXAMPLE = dict(
    line.split("=", 1)
    for line in (DEPLOY / "compose.env.example").read_text().splitlines()
    if line and not line.startswith("#")
)
VARIABLE = re.compile(r"\$\{(\w+)[^}]*\}")


def test_hadolint_has_nothing_to_say() -> None:
    assert passes("hadolint", RECIPE) == ""


def test_a_careless_recipe_would_be_noticed(tmp_path: Path) -> None:
    careless = tmp_path / "Dockerfile"
    careless.write_text(RECIPE.read_text().replace("--no-cache-dir", "").replace(":3.11-slim", ""))
    status, output = run("hadolint", careless)
    assert status != 0
    assert "DL3006" in output


def test_it_does_not_run_as_root() -> None:
    last_stage = RECIPE.read_text().split("\nFROM ")[-1]
    assert re.findall(r"^USER (.+)$", last_stage, re.MULTILINE) == ["10001"]


def test_what_it_copies_is_there_and_not_ignored() -> None:
    kept = [
        line[1:]
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    assert [name for name in kept if not (ROOT / name).exists()] == []
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", RECIPE.read_text(), re.MULTILINE)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
        assert name == "." or name.split("/")[0] in kept, name


def test_everything_that_is_installed_is_copied() -> None:
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text()
    packages = ("bridge", "signaling", "monitor", "config", "cli")
    assert [name for name in packages if f"!{name}\n" not in kept] == []


def test_its_settings_are_the_services_own() -> None:
    environment = COMPOSE["services"]["diemcau"]["environment"]
    filled = {name: VARIABLE.sub(_example, str(value)) for name, value in environment.items()}
    settings = load_settings(filled)
    assert settings.signaling.public_url == "https://hop.example.vn"
    assert settings.bridge.media_addresses == ("203.0.113.10",)
    assert settings.signaling.trusted_proxies == ("127.0.0.1/32",)


def test_every_variable_is_explained_in_the_example() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    assert set(VARIABLE.findall(text)) == set(EXAMPLE)


def test_what_it_mounts_is_there() -> None:
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), source
            else:
                assert source in COMPOSE["volumes"]


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_services_use_only_keys_that_compose_knows(service: str) -> None:
    known = {
        *("build", "image", "network_mode", "environment", "volumes", "cap_drop", "read_only"),
        *("tmpfs", "security_opt", "stop_grace_period", "restart", "profiles", "command"),
    }
    assert set(COMPOSE["services"][service]) <= known


def test_no_file_names_a_host_to_fetch_images_from() -> None:
    images = [service["image"] for service in COMPOSE["services"].values()]
    images += re.findall(r"^FROM (\S+)", RECIPE.read_text(), re.MULTILINE)
    assert [image for image in images if "." in image.split("/")[0].split(":")[0]] == []


def _example(match: re.Match[str]) -> str:
    return EXAMPLE[match[1]]
