"""Plain players of the program: aiortc, and a web page in Chromium that is not ours."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
from aiohttp import web
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from playwright.async_api import BrowserContext, Page

from bridge.endpoint import cellcode, doors
from signaling.wire.rest import SiteDevices

_PAGE = "<!doctype html><title>x</title><video autoplay playsinline></video>"

PLAIN = """
async ({ whep, play_token }) => {
  const peer = window.peer = new RTCPeerConnection();
  const stream = new MediaStream();
  peer.ontrack = ({ track }) => stream.addTrack(track);
  peer.addTransceiver('video', { direction: 'recvonly' });
  peer.addTransceiver('audio', { direction: 'recvonly' });
  await peer.setLocalDescription();
  const answer = await fetch(whep, {
    method: 'POST',
    headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${play_token}` },
    body: peer.localDescription.sdp,
  });
  if (answer.status !== 201) throw new Error(await answer.text());
  window.resource = new URL(answer.headers.get('Location'), whep).href;
  await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
  document.querySelector('video').srcObject = stream;
}
"""
"""WHEP as any player does it, with no word of ours: one picture, one sound, no slots."""


@contextlib.asynccontextmanager
async def foreign_page(context: BrowserContext, **scripts: Path) -> AsyncIterator[Page]:
    """A page with one video, of a server that is not ours; `scripts` are modules beside it."""
    app = web.Application()

    async def index(request: web.Request) -> web.Response:
        return web.Response(text=_PAGE, content_type="text/html")

    def serve(file: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def script(request: web.Request) -> web.StreamResponse:
            return web.Response(text=file.read_text(), content_type="text/javascript")

        return script

    app.router.add_get("/", index)
    for name, file in scripts.items():
        app.router.add_get(f"/{name}.js", serve(file))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        page = await context.new_page()
        host, port = runner.addresses[0][:2]
        await page.goto(f"http://{host}:{port}/")
        yield page
    finally:
        await runner.cleanup()


async def play(page: Page, devices: SiteDevices) -> None:
    """Play the program in the page. Raises playwright's Error: the door refused."""
    await page.evaluate(PLAIN, {"whep": devices.whep, "play_token": devices.play_token})


@contextlib.asynccontextmanager
async def aiortc_player(devices: SiteDevices) -> AsyncIterator[MediaStreamTrack]:
    """The program's picture as aiortc receives it, in the codec of the conference alone."""
    peer, tracks = RTCPeerConnection(), []
    peer.on("track", tracks.append)
    async with aiohttp.ClientSession() as http:
        resource = doors.Resource(http, devices.whep, devices.play_token)
        video = peer.addTransceiver("video", direction="recvonly")
        peer.addTransceiver("audio", direction="recvonly")
        wanted = f"video/{devices.codec}".lower()
        known = RTCRtpReceiver.getCapabilities("video").codecs
        video.setCodecPreferences([one for one in known if one.mimeType.lower() == wanted])
        try:
            await peer.setLocalDescription(await peer.createOffer())
            answer = await resource(peer.localDescription.sdp)
            await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            yield next(track for track in tracks if track.kind == "video")
        finally:
            await resource.delete()
            await peer.close()


async def until_shown(track: MediaStreamTrack, label: str, limit_s: float = 30.0) -> int:
    """Decode until the picture of this site comes; how many pictures it took."""
    async with asyncio.timeout(limit_s):
        count = 0
        while True:
            frame = await track.recv()
            count += 1
            seen = cellcode.read(frame.to_ndarray(format="rgb24"))
            if seen is not None and seen[0] == label:
                return count
