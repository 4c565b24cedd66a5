"""Rules about the repository itself: what is committed, and whether the documents are true."""

import ast
import re
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from signaling.wire import commands, control, pages, worker

ROOT = Path(__file__).parent.parent
LOCKS = ["requirements.lock", "requirements-test.lock", "web/package-lock.json"]
ROOMS = ("bridge", "signaling", "monitor", "config", "cli", "web", "deploy", "tests", "docs")


def committed() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_holds_hashes_and_no_addresses(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert len(re.findall(r"sha256:|sha512-", text)) > 20


def test_what_is_locked_to_run_is_locked_the_same_to_test():
    run, test = (
        dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))
        for name in LOCKS[:2]
    )
    assert run
    assert run.items() <= test.items()


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_file_that_a_document_names_exists(page):
    text = page.read_text()
    named = re.findall(r"`((?:{})/[\w./-]+)`".format("|".join(ROOMS)), text)
    named += [
        str((page.parent / link).resolve()) for link in re.findall(r"\]\((?!http|#)([^)#]+)", text)
    ]
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing


ROOMS_WITH_FILES = (
    *(
        "bridge",
        "bridge/endpoint",
        "bridge/media_worker",
        "monitor",
        "signaling",
        "signaling/conference",
    ),
    *("signaling/wire", "config", "cli"),
)


def test_the_architecture_names_every_file_of_every_room():
    text = (ROOT / "docs" / "architecture.md").read_text()
    unnamed = [
        path.relative_to(ROOT).as_posix()
        for room in ROOMS_WITH_FILES
        for path in (ROOT / room).glob("*.py")
        if not path.stem.startswith("__") and f"`{path.name}`" not in text
    ]
    assert not unnamed


@pytest.mark.parametrize("room", ["bridge", "bridge/media_worker", "signaling", "monitor"])
def test_the_import_rules_hold_for_every_file_that_the_architecture_calls_pure(room):
    text = (ROOT / "docs" / "architecture.md").read_text()
    start = text.index(f"**`{room}/`** – ")
    pure = text[start : text.index("Shell:", start)].partition("Hot:")[0]
    rules = (ROOT / "pyproject.toml").read_text()
    named = [
        stem for stem in re.findall(r"`(\w+)\.py`", pure) if (ROOT / room / f"{stem}.py").exists()
    ]
    assert len(named) > 5
    assert [one for one in named if f'"{room.replace("/", ".")}.{one}"' not in rules] == []


@pytest.mark.parametrize(
    "messages",
    [
        *(control.NodeMessage, control.SignalingMessage),
        *(worker.WorkerMessage, worker.OrderMessage, worker.Order | worker.Fact),
        *(pages.PageMessage, pages.ServerMessage, commands.PageCommand),
    ],
)
def test_the_protocol_shows_every_message(messages):
    text = (ROOT / "docs" / "protocol.md").read_text()
    tags = [one.__struct_config__.tag for one in get_args(messages)]
    assert [tag for tag in tags if f'"{tag}"' not in text and f"`{tag}" not in text] == []


def test_no_source_file_is_larger_than_a_noun():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in committed()
        if path.suffix in (".py", ".ts", ".tsx")
        and ".gen." not in path.name
        and "i18n" not in path.parts
        and (lines := len(path.read_text().splitlines())) > 500
    }
    assert not long


def test_log_lines_say_what_to_do_next_under_one_key():
    calls = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in committed()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ROOMS
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and any(one.arg == "next" for one in call.keywords)
        and len(call.args) == 1
        and isinstance(call.args[0], ast.Constant | ast.JoinedStr)
    ]
    assert not calls, "the key is next_step"
