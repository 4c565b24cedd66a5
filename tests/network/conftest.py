"""A cable of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.network.cable import Cable


@pytest.fixture
def cable() -> Iterator[Cable]:
    """Where namespaces cannot be made the test fails, and says what it needs."""
    with Cable() as made:
        yield made
