"""Log lines name the conference and site that they are about."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog
from sqlalchemy import text
from structlog.contextvars import merge_contextvars

from tests.signaling.stage import Stage


class Lines:
    """A processor that keeps what is logged."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []

    def __call__(
        self, _logger: Any, _method: str, line: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        self.kept.append(dict(line))
        raise structlog.DropEvent


async def test_line_of_a_request_names_what_its_path_names(stage: Stage) -> None:
    page, lines = await stage.signed_in(), Lines()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[merge_contextvars, lines])
    try:
        async with await page.post(
            f"/api/conferences/{stage.conference}/links/48/revoke", ""
        ) as response:
            assert response.status == 200
    finally:
        structlog.configure(processors=before)

    revoked = next(line for line in lines.kept if line["event"] == "link revoked")
    assert (revoked["conference"], revoked["site"]) == (stage.conference, "48")
    assert revoked["by"] == "operator"


async def test_fault_names_conference_and_site(stage: Stage) -> None:
    page, lines = await stage.signed_in(), Lines()
    async with stage.server.services.database.write() as connection:
        await connection.execute(text("DROP TABLE sign_ins"))
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[merge_contextvars, lines])
    try:
        async with page.http.get(
            f"/api/conferences/{stage.conference}/sites/48/history"
        ) as response:
            assert response.status == 500
    finally:
        structlog.configure(processors=before)

    failed = next(line for line in lines.kept if line["event"] == "request failed")
    assert (failed["conference"], failed["site"]) == (stage.conference, "48")


async def test_what_is_not_http_is_answered_and_leaves_no_line(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    address = urlsplit(stage.url)
    for garbage in (b"GET /%b HTTP/1.1\r\n\r\n" % (b"a" * 9_000), b"\x16\x03\x01\r\n\r\n"):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(garbage)
        assert (await reader.readline()).startswith(b"HTTP/1.0 400 ")
        writer.close()
        await writer.wait_closed()

    assert not caplog.records
