"""The drill as an operator runs it: it passes on a sound service, and names what is wrong."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.endpoint import loops
from bridge.endpoint.wheel import Wheel
from bridge.transport import Certificate
from cli.drilling import crash, moves, steps
from cli.drilling.checks import CheckError
from cli.drilling.crew import Operator, SyntheticSite
from cli.drilling.moves import Drill
from cli.drilling.rehearsal import STEP_NAMES
from cli.drilling.report import StepFailedError
from cli.drilling.service import Service, ServiceError, free_port, own_service
from signaling.wire.commands import Unmute

pytestmark = pytest.mark.drill


@dataclass(frozen=True)
class Outcome:
    status: int
    output: str
    report: dict[str, Any]

    def verdicts(self) -> dict[str, str]:
        return {step["step"]: step["verdict"] for step in self.report["steps"]}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("loops")


async def run_drill(tmp_path: Path, cache: Path, *options: str) -> Outcome:
    file = tmp_path / "report.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "drill", "--cache", str(cache), "--json", str(file)),
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    report = json.loads(file.read_text()) if file.exists() else {}
    return Outcome(process.returncode, output.decode(), report)


async def test_drill_passes_on_its_own_service(tmp_path: Path, cache: Path) -> None:
    outcome = await run_drill(tmp_path, cache, "--sites", "8", "--takes", "2")
    assert outcome.verdicts() == dict.fromkeys(STEP_NAMES, "passed"), outcome.output
    assert outcome.status == 0
    assert outcome.report["passed"]
    count = len(STEP_NAMES)
    said = f"drill PASSED: {count} of {count} steps, 8 sites and the centre"
    assert said in outcome.output


async def test_drill_uses_a_running_service_and_kills_nothing(tmp_path: Path, cache: Path) -> None:
    async with own_service(tmp_path) as service:
        before = service.signaling_pid()
        options = ("--sites", "3", "--takes", "1", "--server", service.url)
        outcome = await run_drill(tmp_path, cache, *options, "--sign-in", service.sign_in)
        assert service.signaling_pid() == before
    verdicts = outcome.verdicts()
    killing = [step.name for step in steps.STEPS if step.kills]
    assert [verdicts.pop(name) for name in killing] == ["not run", "not run"]
    assert set(verdicts.values()) == {"passed"}, outcome.output
    assert outcome.status == 0


async def test_drill_fails_when_nobody_answers(tmp_path: Path, cache: Path) -> None:
    url = f"http://127.0.0.1:{free_port(socket.SOCK_STREAM)}"
    options = ("--sites", "2", "--server", url, "--sign-in", f"{url}/sign-in#code=12345678")
    outcome = await run_drill(tmp_path, cache, *options)
    assert outcome.status == 1
    assert outcome.verdicts()[STEP_NAMES[0]] == "failed"
    assert set(list(outcome.verdicts().values())[1:]) == {"not run"}
    assert "Cannot connect" in outcome.output


async def test_drill_refuses_a_server_without_sign_in(tmp_path: Path, cache: Path) -> None:
    outcome = await run_drill(tmp_path, cache, "--server", "http://127.0.0.1:1")
    assert outcome.status == 2
    assert "--sign-in" in outcome.output


async def test_a_running_service_has_the_bridges_that_it_has(tmp_path: Path, cache: Path) -> None:
    options = ("--server", "http://127.0.0.1:1", "--sign-in", "http://127.0.0.1:1/sign-in#code=1")
    outcome = await run_drill(tmp_path, cache, *options, "--bridges", "2")
    assert outcome.status == 2
    assert "--bridges is for an own service" in outcome.output


# --- sabotage: each step must notice what it is there for ---------------------------------------


SITES = 4


@pytest.fixture
async def drill(tmp_path: Path, cache: Path) -> AsyncIterator[Drill]:
    async with own_service(tmp_path) as service, Wheel() as wheel:
        certificate = Certificate()
        operator = Operator(service.url, SITES, wheel, certificate)
        await operator.sign_in(service.sign_in)
        made = await operator.create("conference-2020", "Sabotage")
        await operator.enter(made.conference)
        links = (await operator.links(made.conference))[:SITES]
        assert links[0].site == operator.conference.central
        keys = [
            loops.LoopKey(link.site, link.name, loops.tone_hz(index))
            for index, link in enumerate(links)
        ]
        prepared = loops.load(keys, cache)
        crew = [
            SyntheticSite(link, loop, wheel, certificate)
            for link, loop in zip(links, prepared, strict=True)
        ]
        yield Drill(service, operator, crew[0], crew[1:], 1, see_s=2.0, view_s=2.0)
        await asyncio.gather(*(one.leave() for one in [operator, *crew]))


async def faults_of(step: Any, drill: Drill) -> list[str]:
    with pytest.raises(StepFailedError) as raised:
        await step(drill)
    return [str(fault) for fault in raised.value.faults]


async def test_join_names_the_site_whose_link_is_refused(drill: Drill) -> None:
    bad = drill.remotes[1]
    bad._link = bad._link._replace(token="x.y.z")
    [fault] = await faults_of(steps.join, drill)
    assert fault.startswith(bad.name)
    assert "link_invalid" in fault


async def test_wall_names_the_slot_with_the_wrong_picture(drill: Drill) -> None:
    await steps.join(drill)
    wrong = drill.remotes[1]
    codes = [site.code for site in drill.sites]
    codes[2] = drill.remotes[0].code  # twice site 1, none of site 2
    drill.operator.watch(codes)
    faults = await faults_of(steps.wall, drill)
    [fault] = faults
    assert f"expected picture of {wrong.label} in thumb:3" in fault
    assert f"saw {drill.remotes[0].label}" in fault


async def test_quiet_notices_media_before_the_start(drill: Drill) -> None:
    await steps.join(drill)
    await steps.start(drill)
    faults = await faults_of(steps.quiet, drill)
    assert len(faults) == len(drill.remotes)
    assert "packets came" in faults[0]


async def test_sound_steps_notice_a_microphone_too_many_and_one_too_few(drill: Drill) -> None:
    await steps.join(drill)
    await steps.start(drill)
    extra = drill.remotes[2]
    await extra.command(Unmute(extra.code))
    await drill.operator.command(Unmute(extra.code))
    await moves.on_floor(drill, [extra])
    faults = await faults_of(steps.floor, drill)
    assert all("expected to hear silence" in fault for fault in faults)
    assert {fault.split(":")[0] for fault in faults} == {
        one.name for one in drill.members if one is not extra
    }
    await moves.all_hear(drill, [extra])
    extra.player.close()
    faults = await faults_of(lambda drill: moves.all_hear(drill, [extra]), drill)
    assert f"expected to hear {extra.tone_hz} Hz" in faults[0]


async def test_loudest_step_notices_a_voice_that_is_not_carried(drill: Drill) -> None:
    await steps.join(drill)
    await steps.start(drill)
    await steps.loudest(drill)
    # what it opened can be heard: four microphones are not too many
    quiet = drill.sites[1]
    quiet.player.silent = True
    faults = await faults_of(steps.loudest, drill)
    assert f"expected to hear {drill.centre.tone_hz} Hz" in faults[0]


async def test_take_notices_a_camera_that_sends_nothing(drill: Drill) -> None:
    await steps.join(drill)
    await steps.start(drill)
    dark = drill.speaker(0)
    dark.player.close()
    steps_seen = await faults_of(steps.takes, drill)
    assert len(steps_seen) == len(drill.members) - 1
    assert f"picture of {dark.label}" in steps_seen[0]


async def test_end_notices_media_that_goes_on(drill: Drill) -> None:
    await steps.join(drill)
    await steps.start(drill)
    with pytest.raises(StepFailedError) as raised:
        await moves.stays_quiet(drill)
    assert len(raised.value.faults) >= len(drill.remotes)


async def test_crash_step_compares_whole_views(drill: Drill) -> None:
    await steps.join(drill)
    site = drill.remotes[0]
    before = dict(site.page.rows)
    await crash.same_view(drill, site, before)
    await site.command(Unmute(site.code))
    with pytest.raises(CheckError, match=f"row seat/{site.code} as before: .*muted_by_site=True"):
        await crash.same_view(drill, site, before)


async def test_service_names_its_log_when_it_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the directory should be")
    with pytest.raises(ServiceError, match="said nothing usable"):
        async with own_service(tmp_path):
            pass
    assert Service("http://x", "http://x/sign-in").own is False


async def test_drill_told_to_stop_stops_its_service(tmp_path: Path, cache: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "drill", "--sites", "2", "--cache", str(cache)),
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readline()  # the first step is over, so the service runs
    [run_file] = tmp_path.glob("diemcau-drill-*/data/run.json")
    pids = json.loads(run_file.read_text())["pids"]
    process.terminate()
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"drill stopped" in errors
    assert len(pids) >= 2
    assert not [pid for pid in pids.values() if Path(f"/proc/{pid}").exists()]
