"""Static pages: there or not yet built, kept or not, never outside their folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from yarl import URL

from tests.signaling.stage import Stage

PAGES = ["/sign-in", "/operator/", "/technician/", "/c/x/s/48/"]


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A small build of the web."""
    folder = tmp_path / "pages"
    (folder / "assets").mkdir(parents=True)
    for name in ("sign-in", "operator", "technician", "site"):
        (folder / f"{name}.html").write_text(f"<title>{name}</title>")
    (folder / "assets" / "site-abc123.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.mark.parametrize("path", PAGES)
async def test_page_that_is_not_built_says_what_to_do(stage: Stage, path: str) -> None:
    page = await stage.page()

    async with page.http.get(path) as response:
        assert response.status == 503
        assert "make run" in await response.text()


@pytest.mark.parametrize(
    ("path", "name"), list(zip(PAGES, ("sign-in", "operator", "technician", "site"), strict=True))
)
async def test_page_is_served_and_asked_for_anew_each_time(
    stage: Stage, pages: Path, path: str, name: str
) -> None:
    page = await stage.page()

    async with page.http.get(path) as response:
        assert await response.text() == (pages / f"{name}.html").read_text()
        assert response.content_type == "text/html"
        assert response.headers["Cache-Control"] == "no-cache"


async def test_asset_may_be_kept_for_ever(stage: Stage, pages: Path) -> None:
    page = await stage.page()

    async with page.http.get("/assets/site-abc123.js") as response:
        assert response.status == 200
        assert response.content_type in ("text/javascript", "application/javascript")
        assert "immutable" in response.headers["Cache-Control"]
    assert pages.is_dir()


@pytest.mark.parametrize(
    "path",
    [
        "/assets/none.js",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2e%2e",
        "/assets/",
        "/favicon.ico",
    ],
)
async def test_nothing_outside_the_folder_is_served(stage: Stage, pages: Path, path: str) -> None:
    page = await stage.page()

    async with page.http.get(URL(path, encoded=True)) as response:
        assert response.status == 404
    assert pages.is_dir()


@pytest.mark.parametrize(
    ("path", "target"),
    [("/", "/operator/"), ("/operator", "/operator/"), ("/c/x/s/48", "/c/x/s/48/")],
)
async def test_short_addresses_lead_to_pages(stage: Stage, path: str, target: str) -> None:
    page = await stage.page()

    async with page.http.get(path, allow_redirects=False) as response:
        assert response.status in (302, 308)
        assert response.headers["Location"] == target
