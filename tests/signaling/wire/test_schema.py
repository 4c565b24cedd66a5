"""What is generated from the wire is current, and true."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from signaling.wire import schema
from signaling.wire.codec import encode
from signaling.wire.commands import Scene, Take
from signaling.wire.errors import ERRORS
from signaling.wire.ids import SiteCode
from signaling.wire.pages import CommandMessage, Heartbeat, PageHello, PageMessage

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("path", "text"),
    [(schema.SCHEMA_PATH, schema.json_schema()), (schema.TYPES_PATH, schema.typescript())],
)
def test_generated_file_is_current(path: Path, text: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == text, "run python -m signaling.wire.schema"


def test_error_table_of_protocol_is_current() -> None:
    protocol = (ROOT / schema.PROTOCOL_PATH).read_text(encoding="utf-8")

    assert schema.with_error_table(protocol) == protocol, "run python -m signaling.wire.schema"


def test_error_table_names_every_code() -> None:
    table = schema.error_table()

    assert all(f"| `{code}` | {kind.status} |" in table for code, kind in ERRORS.items())


@pytest.mark.parametrize(
    "message",
    [
        PageHello("page-0001"),
        Heartbeat(3),
        CommandMessage("command-1", Take(Scene("single", (SiteCode("48"),)))),
    ],
)
def test_schema_accepts_what_the_codec_encodes(message: PageMessage) -> None:
    defs = json.loads(schema.json_schema())
    jsonschema.validate(json.loads(encode(message)), {**defs, "$ref": "#/$defs/PageMessage"})


@pytest.mark.parametrize(
    "text", ['{"type": "hello"}', '{"type": "hello", "page_id": "short"}', "{}"]
)
def test_schema_refuses_what_the_codec_refuses(text: str) -> None:
    defs = json.loads(schema.json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(text), {**defs, "$ref": "#/$defs/PageMessage"})


def test_typescript_discriminates_unions_by_literal_tags() -> None:
    text = schema.typescript()

    assert 'export interface Take {\n  type: "take"\n  scene: Scene\n}' in text
    assert (
        "export type PageMessage = PageHello | CommandMessage | Watch | Cue | Report | Heartbeat"
        in text
    )
    assert "export type SiteCode = string" in text


def test_typescript_makes_only_what_pages_send_optional() -> None:
    text = schema.typescript()

    assert "  title?: string | null" in text
    assert "  ice_servers: IceServer[]" in text


def test_write_puts_all_files_under_a_root(tmp_path: Path) -> None:
    protocol = tmp_path / schema.PROTOCOL_PATH
    protocol.parent.mkdir()
    protocol.write_text((ROOT / schema.PROTOCOL_PATH).read_text(encoding="utf-8"), encoding="utf-8")

    written = schema.write(tmp_path)

    assert [path.relative_to(tmp_path) for path in written] == [
        schema.SCHEMA_PATH,
        schema.TYPES_PATH,
        schema.PROTOCOL_PATH,
    ]
    assert all(path.read_text(encoding="utf-8") for path in written)
