"""`diemcau up` as a person runs it: real processes, which are killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from cli.runfile import is_alive, read_run
from tests.service import Service, free_media_port, free_port, running_service

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """One service for all tests that leave it as whole as they found it."""
    async with running_service(tmp_path_factory.mktemp("up") / "data") as running:
        yield running


async def diemcau(*arguments: str, **environ: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environ},
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def reborn(service: Service, part: str, before: int) -> int:
    async with asyncio.timeout(30):
        while True:
            pid = service.pid(part)
            if pid != before:
                break
            await asyncio.sleep(0.02)
    await service.ready()
    return pid


async def ended(*pids: int) -> None:
    async with asyncio.timeout(20):
        while True:
            if not any(is_alive(pid) for pid in pids):
                return
            await asyncio.sleep(0.02)


async def signed_in(service: Service, link: str) -> tuple[str, dict[str, object]]:
    code = link.partition("#code=")[2]
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http,
        http.post(f"{service.url}/api/sign-in", json={"code": code}) as response,
    ):
        told = await response.json()
        return str(told.get("role", told.get("code"))), told


async def site_links(service: Service) -> dict[str, str]:
    status, out, err = await diemcau("link", "--json", "--data-dir", str(service.data_dir))
    assert status == 0, err
    return {link["site"]: link["url"] for link in json.loads(out)["links"]}


async def test_it_says_where_to_sign_in_and_each_link_works_once(service: Service) -> None:
    assert (await signed_in(service, service.operator_sign_in))[0] == "operator"
    assert (await signed_in(service, service.operator_sign_in))[0] == "sign_in_invalid"
    status, out, _ = await diemcau(
        "sign-in", "--role", "technician", "--data-dir", str(service.data_dir)
    )
    assert status == 0
    assert (await signed_in(service, out.strip()))[0] == "technician"


async def test_the_monitor_reports_every_site_of_the_first_conference(service: Service) -> None:
    async with asyncio.timeout(20), aiohttp.ClientSession() as http:
        while True:
            async with http.get(f"{service.url}/metrics") as response:
                lines = (await response.text()).splitlines()
            offline = [
                line
                for line in lines
                if line.startswith("diemcau_site_state{") and 'state="offline"} 1.0' in line
            ]
            if offline:
                break
            await asyncio.sleep(0.1)
    assert len(offline) == 64


async def test_a_site_has_addresses_for_its_encoder_and_players(service: Service) -> None:
    folder = ("--data-dir", str(service.data_dir))
    status, out, err = await diemcau("link", "--site", "48", "--devices", "--json", *folder)
    assert status == 0, err
    told = json.loads(out)
    assert (told["whip"], told["whep"]) == (f"{service.url}/whip", f"{service.url}/whep")
    assert len({told["publish_token"], told["play_token"]}) == 2
    status, out, _ = await diemcau("link", "--site", "48", "--devices", *folder)
    assert told["publish_token"] in out
    assert (await diemcau("link", "--devices", *folder))[0] == 2
    assert (await diemcau("link", "--site", "99", "--devices", *folder))[0] == 1


async def test_killed_signaling_and_bridge_come_back_and_links_stay(service: Service) -> None:
    links = await site_links(service)
    assert len(links) == 64
    assert links["02"].startswith(f"{service.url}/c/")
    signaling, bridge = service.pid("signaling"), service.pid("bridge")
    os.kill(signaling, signal.SIGKILL)
    await reborn(service, "signaling", signaling)
    assert service.pid("bridge") == bridge
    assert await site_links(service) == links
    os.kill(bridge, signal.SIGKILL)
    await reborn(service, "bridge", bridge)
    worker, bridge = service.pid("worker"), service.pid("bridge")
    os.kill(worker, signal.SIGKILL)
    await reborn(service, "worker", worker)
    assert service.pid("bridge") == bridge


async def test_a_media_worker_that_cannot_live_costs_nobody_else_anything(tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("in the way")
    environment = {"DIEMCAU_RECORDING__FOLDER": str(tmp_path / "recordings")}
    async with started(tmp_path / "data", **environment) as (_, told):
        url, parts = told["url"], told["pids"]
        async with asyncio.timeout(30):
            while True:
                run = read_run(tmp_path / "data")
                assert run is not None
                assert run.pids["signaling"] == parts["signaling"]
                if run.pids["worker"] not in (parts["worker"], 0):
                    break
                await asyncio.sleep(0.05)
        async with aiohttp.ClientSession() as http, http.get(f"{url}/readyz") as response:
            assert response.status == 200


async def test_what_lies_in_the_data_directory_is_its_owners_alone(service: Service) -> None:
    modes = {
        str(path.relative_to(service.data_dir)): stat.S_IMODE(path.stat().st_mode)
        for path in (service.data_dir, *service.data_dir.rglob("*"))
    }
    assert modes["."] == 0o700
    assert modes["secrets"] == 0o700
    assert modes["secrets/node_token"] == 0o600
    assert modes["secrets/worker_token"] == 0o600
    assert modes["recordings"] == 0o700
    assert modes["run.json"] == 0o600
    assert modes["diemcau.sqlite3"] == 0o600


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_asked_to_stop_it_leaves_no_child_and_no_run_file(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with started(tmp_path / "data") as (process, told):
        process.send_signal(number)
        assert await process.wait() == 0
        assert read_run(tmp_path / "data") is None
        assert not (tmp_path / "data" / "run.json").exists()
        assert not any(is_alive(pid) for pid in told["pids"].values())


async def test_killed_itself_it_takes_its_children_with_it(tmp_path: Path) -> None:
    async with started(tmp_path / "data") as (process, told):
        process.kill()
        await process.wait()
        await ended(*told["pids"].values())
        assert read_run(tmp_path / "data") is None


async def test_taken_ports_are_all_named_with_what_to_do_before_anything_starts(
    tmp_path: Path,
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(type=socket.SOCK_DGRAM) as udp,
    ):
        udp.bind(("127.0.0.1", 0))
        ports = tcp.getsockname()[1], udp.getsockname()[1]
        status, out, err = await diemcau(
            *("up", "--json", "--data-dir", str(tmp_path / "data")),
            *("--port", str(ports[0]), "--media-port", str(ports[1])),
        )
    assert (status, out) == (1, "")
    assert f"TCP port {ports[0]} on 127.0.0.1: Address already in use" in err
    assert f"UDP port {ports[1]} on 127.0.0.1: Address already in use" in err
    assert "or choose --port" in err
    assert "or choose --media-port" in err
    assert not (tmp_path / "data").exists()


async def test_a_second_one_in_the_same_directory_is_refused_and_does_no_harm(
    service: Service,
) -> None:
    pid = service.pid("signaling")
    status, _, err = await diemcau(
        *("up", "--json", "--data-dir", str(service.data_dir)),
        *("--port", str(free_port()), "--media-port", str(free_media_port())),
    )
    assert status == 1
    assert "a service runs there already" in err
    assert service.pid("signaling") == pid
    await service.ready()


async def test_wrong_settings_end_it_with_their_own_status(tmp_path: Path) -> None:
    status, _, err = await diemcau(
        "up", "--data-dir", str(tmp_path), DIEMCAU_SIGNALING__PORT="x", DIEMCAU_LOG__LEVEL="loud"
    )
    assert status == 78
    assert err.splitlines()[0] == "settings: 2 problems"


async def test_a_template_that_does_not_exist_is_not_tried_again(tmp_path: Path) -> None:
    status, _, err = await diemcau(
        *("up", "--json", "--data-dir", str(tmp_path / "data")),
        *("--port", str(free_port()), "--media-port", str(free_media_port())),
        DIEMCAU_CONFERENCE__DEFAULT_TEMPLATE="conference-1900",
    )
    assert status == 78
    assert "there is none of that name; there are: conference-2020" in err


async def test_link_and_sign_in_without_a_service_say_what_to_do(tmp_path: Path) -> None:
    for command in (["link"], ["sign-in", "--role", "operator"]):
        status, _, err = await diemcau(*command, "--data-dir", str(tmp_path))
        assert status == 1
        assert err == f"no service runs in {tmp_path}; start it: diemcau up\n"


@contextlib.asynccontextmanager
async def started(
    data_dir: Path,
    **environment: str,
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, dict[str, int]]]]:
    """A service that the test itself ends; what it told once it was ready."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "up", "--data-dir", str(data_dir), "--json"),
        *("--port", str(free_port()), "--media-port", str(free_media_port())),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            yield process, json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
