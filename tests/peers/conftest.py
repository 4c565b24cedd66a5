"""Fixtures: Playwright, and a service of one's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Playwright, async_playwright

from tests.browser.chromium import EXECUTABLE
from tests.service import Service, running_service


@pytest.fixture
async def playwright() -> AsyncIterator[Playwright]:
    """Playwright, driving the Chromium that Debian ships."""
    assert Path(EXECUTABLE).exists(), f"{EXECUTABLE} is missing: run `deploy/prepare test`"
    async with async_playwright() as running:
        yield running


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """`diemcau up` in a directory of its own."""
    async with running_service(tmp_path / "data") as service:
        yield service
