"""A real conference is looked at by the whole service: stills of who is there, of nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from playwright.async_api import async_playwright

from bridge.endpoint import loops
from bridge.endpoint.loops import Loop, LoopKey
from bridge.endpoint.wheel import Wheel
from bridge.transport import Certificate
from cli.drilling.crew import Operator, SyntheticSite
from signaling.wire.commands import End, Start
from tests.browser.chromium import Camera, chromium, open_context
from tests.browser.people import enter_site
from tests.peers.conference import Conference
from tests.service import running_service


def black(key: LoopKey) -> Loop:
    """A loop of a camera with its cap on."""
    codec = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height, codec.pix_fmt = 320, 180, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, 10), Fraction(10, 1)
    octets = np.full((270, 320), 128, np.uint8)
    octets[:180] = 16
    frames = []
    for number in range(10):
        frame = av.VideoFrame.from_ndarray(octets, format="yuv420p")
        frame.pts = number
        frames += [bytes(packet) for packet in codec.encode(frame)]
    return Loop(key, tuple(frames), loops.encode(key).tones)


async def test_each_camera_has_a_still_while_the_conference_runs(tmp_path: Path) -> None:
    certificate = Certificate()
    async with running_service(tmp_path / "data") as service, Wheel() as wheel:
        operator = Operator(service.url, 1, wheel, certificate)
        await operator.sign_in(service.operator_sign_in)
        made = await operator.create("conference-2020", "Ảnh tĩnh")
        links = await operator.links(made.conference)
        await operator.enter(made.conference)
        keys = [LoopKey(link.site, link.name, 440) for link in links[:3]]
        reels = [loops.encode(keys[0]), black(keys[1])]
        sites = [
            SyntheticSite(link, loop, wheel, certificate)
            for link, loop in zip(links, reels, strict=False)
        ]
        for site in sites:
            await site.join()
        url = f"{service.url}/api/conferences/{made.conference}/sites"

        async def still(index: int) -> tuple[int, bytes, int]:
            async with operator.http.get(f"{url}/{keys[index].label}/still.jpg") as response:
                age = int(response.headers.get("Age", "0"))
                return response.status, await response.read(), age

        assert (await still(0))[0] == 404
        await operator.command(Start())
        async with asyncio.timeout(20):
            while True:
                if [(await still(index))[0] for index in (0, 1)] == [200, 200]:
                    break
                await asyncio.sleep(0.1)
        assert (await still(2))[0] == 404

        shown = [Image.open(io.BytesIO((await still(index))[1])) for index in (0, 1)]
        assert [(one.format, one.width) for one in shown] == [("JPEG", 320)] * 2
        means = [float(np.asarray(one.convert("L")).mean()) for one in shown]
        assert means[1] < 5 < means[0]

        def pictures() -> Iterator[object]:
            figures = operator.page.figures
            for key in keys[:2]:
                one = figures.sites.get(key.label) if figures is not None else None
                yield one.picture if one is not None else None

        ages = []

        def black_is_seen() -> bool:
            return list(pictures()) == ["ok", "black"]

        async with asyncio.timeout(40):
            while not black_is_seen():
                ages += [(await still(index))[2] for index in (0, 1)]
                with contextlib.suppress(TimeoutError):
                    await operator.page.until(black_is_seen, 0.5)
        assert max(ages) <= 10

        await operator.command(End())
        assert (await still(0))[0] == 404
        for member in (*sites, operator):
            await member.leave()


@pytest.mark.browser
@pytest.mark.timeout(300)
async def test_a_camera_that_hangs_behind_chromiums_h264_is_told_and_one_that_lives_is_not(
    tmp_path: Path,
) -> None:
    codes = "48", "01"
    hanging, living = (Camera.of(code, f"Điểm {code}", 440, tmp_path) for code in codes)
    pictures = hanging.picture.read_bytes()
    hanging.picture.write_bytes(pictures[: pictures.index(b"\xff\xd8", 2)])
    async with (
        running_service(tmp_path / "data") as service,
        Conference(service, "H264") as conference,
        async_playwright() as playwright,
        chromium(playwright, hanging) as one,
        chromium(playwright, living) as other,
    ):
        for code, browser in zip(codes, (one, other), strict=True):
            await enter_site(await open_context(browser), await conference.link(code))
        desk = conference.desk

        def seen() -> list[str | None]:
            sites = desk.figures.sites if desk.figures is not None else {}
            return [sites[code].picture if code in sites else None for code in codes]

        await desk.until(lambda: seen() == ["ok", "ok"], 30)
        await desk.until(lambda: seen()[0] != "ok", 180)
        assert seen() == ["frozen", "ok"]
