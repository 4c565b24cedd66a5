"""The description of the API is committed, served, and complete."""

from __future__ import annotations

from pathlib import Path

from signaling.api.__main__ import OPENAPI_PATH
from signaling.api.description import as_text, document
from signaling.api.table import ROUTES
from signaling.wire.errors import ERRORS
from tests.signaling.stage import Stage

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = document(ROUTES)


def test_committed_description_is_current() -> None:
    committed = (ROOT / OPENAPI_PATH).read_text(encoding="utf-8")

    assert committed == as_text(DOCUMENT), "run: python -m signaling.api"


async def test_description_is_served(stage: Stage) -> None:
    async with (await stage.page()).http.get("/api/openapi.json") as response:
        assert await response.json() == DOCUMENT


def test_every_resource_is_described() -> None:
    bare = {route.path for route in ROUTES if route.operation is None}

    assert not [path for path in bare if path.startswith("/api/") and "socket" not in path]
    assert {"/whip", "/whep", "/livez", "/metrics"} <= set(DOCUMENT["paths"])


def test_every_operation_says_what_it_is_for_and_is_named_once() -> None:
    operations = [one for path in DOCUMENT["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in operations]

    assert all(one["summary"] for one in operations)
    assert len(set(names)) == len(names)


def test_refusals_stand_under_their_status() -> None:
    rotate = DOCUMENT["paths"]["/api/conferences/{conference}/links/{site}/rotate"]["post"]

    for code in ("unauthenticated", "foreign_origin", "unknown_site", "links_not_ready"):
        assert f"`{code}`" in rotate["responses"][str(ERRORS[code].status)]["description"]


def test_cookie_and_token_are_the_two_ways_in() -> None:
    assert set(DOCUMENT["components"]["securitySchemes"]) == {"sign_in", "door"}
    assert DOCUMENT["paths"]["/whip"]["post"]["security"] == [{"door": []}]
    assert "security" not in DOCUMENT["paths"]["/api/join"]["post"]
