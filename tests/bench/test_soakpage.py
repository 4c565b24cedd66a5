from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.bench.soakpage import (
    FILES,
    GROWTH_KIB,
    POOL,
    Reading,
    Soak,
    section,
    section_of,
    with_section,
)

PAGE = "# Measurements\n\n## S1\n\nrows\n\n## What this does not show\n\n- much\n"
AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def reading(minute):
    return Reading(minute, 100_000, 120_000, 16, 60, 1, 7, 5.0, 1.0)


@pytest.fixture
def soak():
    readings = [reading(minute) for minute in range(16)]
    return Soak(AT, "2 cores", 3.0, 63, 900, 80, 70, 0, 5, reading(0), readings, reading(15))


def test_what_stays_as_it_is_is_flat(soak):
    assert soak.faults == []
    assert "**Flat**" in section(soak)


def test_growth_after_the_warm_up_handles_and_failures_are_faults(soak):
    grown = replace(reading(15), bridge_kib=100_001 + GROWTH_KIB, signaling_files=61 + FILES)
    soak.readings[0] = replace(reading(0), bridge_kib=1)
    soak.readings[-1] = grown
    assert [one.partition(" ")[0] for one in soak.faults] == ["bridge", "signaling"]
    assert "bridge grew" in section(soak)
    left = replace(grown, signaling_files=61 + FILES + POOL)
    assert len(replace(soak, after=left, failures=2).faults) == 5


def test_the_page_has_one_section_of_it_before_its_last(soak):
    first = with_section(PAGE, section(soak))
    assert first.index("rows") < first.index("## Soak") < first.index("## What this")
    again = with_section(first, section(replace(soak, joins=901)))
    assert again.count("## Soak") == 1
    assert "901 times" in " ".join(again.split())
    # what a bench run does: a page anew, with the section that there was
    assert with_section(PAGE, section_of(again)) == again
