import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.bench.soakpage import (
    FILES_RUNNING,
    GROWTH_KIB,
    RETURN_KIB,
    Process,
    Reading,
    Soak,
    as_data,
    section,
    verdict,
)

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def reading(minute, **bridge):
    one = Process(100_000, 16, 1, 9)
    return Reading(
        minute, {"signaling": Process(120_000, 60, 7, 200), "bridge": replace(one, **bridge)}
    )


@pytest.fixture
def soak():
    return Soak(
        at=AT,
        machine="2 cores",
        load=3.0,
        command="python -m tests.bench.soak",
        sites=63,
        joins=900,
        takes=80,
        mutes=70,
        failures=0,
        received=5,
        recording="recording",
        fresh=reading(0, kib=1),
        empty=reading(0),
        readings=[reading(0, kib=1), *map(reading, range(1, 16))],
        tides=[reading(0), reading(0)],
        after=reading(15),
        wakes={"bridge": (100.0, 110.0)},
    )


def test_what_stays_as_it_is_is_flat(soak):
    assert soak.faults == []
    assert verdict(soak) == "SOAK: FLAT"
    assert "**Flat**" in section(soak)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"after": reading(15, kib=100_001 + RETURN_KIB)}, "bridge grew by 8.0 MiB from the first"),
        ({"tides": [reading(0), reading(0, kib=100_001 + GROWTH_KIB)]}, "by coming and going"),
        ({"after": reading(15, files=19)}, "bridge has 3 handles left"),
        ({"after": reading(15, tasks=12)}, "bridge has 3 tasks left"),
        ({"wakes": {"bridge": (100.0, 127.0)}}, "bridge is woken 127 times a second, 100 before"),
        ({"failures": 2}, "2 things that were done failed"),
        ({"recording": "failed"}, "the recording was failed"),
    ],
)
def test_what_is_left_is_a_fault(soak, change, fault):
    found = replace(soak, **change)
    (told,) = found.faults
    assert fault in told
    assert verdict(found).startswith("SOAK: NOT FLAT")
    assert "**Not flat**" in section(found)


@pytest.mark.parametrize(
    ("last", "fault"),
    [
        ({"kib": 100_001 + GROWTH_KIB}, "bridge grew by 4.0 MiB while it ran"),
        ({"files": 17 + FILES_RUNNING}, "bridge holds 33 handles more while it ran"),
        ({"busy": 2}, "bridge stood still 2 times by its own doing"),
    ],
)
def test_only_what_happens_after_the_warm_up_counts(soak, last, fault):
    soak.readings[-1] = reading(15, **last)
    assert soak.faults == [fault]
    for at in range(5, 15):
        soak.readings[at] = soak.readings[-1]
    assert soak.faults == []


def test_stalls_for_want_of_a_core_are_told_and_no_fault(soak):
    soak.readings[-1] = reading(15, starved=7)
    assert soak.faults == []
    assert "0 + 7" in section(soak)


def test_all_figures_go_into_a_file(soak):
    data = json.loads(json.dumps(as_data(soak)))
    assert data["readings"][3]["of"]["bridge"]["kib"] == 100_000
    assert data["faults"] == []
