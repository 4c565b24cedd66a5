"""Three layers of a real encoder through a node: each receiver gets the one that suits it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, Playwright

from bridge.node import Node
from signaling.wire.control import OpenSession, Route, Routes, SessionOpened, StreamStats
from signaling.wire.ids import Direction, Port, ProgramCodec, Scope, SlotName
from tests.browser.chromium import chromium
from tests.browser.people import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SCOPE = Scope("c")
SITE, WALL = Port("48/main"), Port("op/1")
STAGE, THUMB = SlotName("stage:1"), SlotName("thumb:1")

SCRIPT = """
const wanted = ({ mimeType, sdpFmtpLine = '' }) =>
  /rtx/.test(mimeType) || (mimeType === `video/${window.codec}` &&
    (window.codec !== 'H264' || /mode=1.*42e0/.test(sdpFmtpLine)))
const known = () => RTCRtpReceiver.getCapabilities('video').codecs.filter(wanted)
const negotiate = async (pc, direction) => {
  for (const one of pc.getTransceivers()) one.setCodecPreferences(known())
  await pc.setLocalDescription(await pc.createOffer())
  const answer = await window.door(direction, pc.localDescription.sdp)
  await pc.setRemoteDescription({ type: 'answer', sdp: answer })
}
window.publish = async () => {
  const canvas = document.body.appendChild(document.createElement('canvas'))
  canvas.width = 1280
  canvas.height = 720
  const context = canvas.getContext('2d')
  let count = 0
  setInterval(() => {
    context.fillStyle = `hsl(${count++ * 7 % 360} 70% 40%)`
    context.fillRect(0, 0, 1280, 720)
    context.fillStyle = 'white'
    context.fillRect(count * 16 % 1280, 300, 120, 120)
  }, 100)
  const [track] = canvas.captureStream(10).getVideoTracks()
  track.contentHint = 'detail'
  const pc = window.pc = new RTCPeerConnection()
  pc.addTransceiver(track, { direction: 'sendonly', sendEncodings: [
    { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150000 },
    { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500000 },
    { rid: 'f', maxBitrate: 1500000 },
  ] })
  await negotiate(pc, 'publish')
}
window.active = async (layers) => {
  const [sender] = window.pc.getSenders()
  const parameters = sender.getParameters()
  for (const one of parameters.encodings) one.active = layers.includes(one.rid)
  await sender.setParameters(parameters)
}
window.receive = async (count) => {
  const pc = window.pc = new RTCPeerConnection()
  for (let index = 0; index < count; index++) {
    const { receiver } = pc.addTransceiver('video', { direction: 'recvonly' })
    const video = document.body.appendChild(document.createElement('video'))
    video.muted = true
    video.srcObject = new MediaStream([receiver.track])
    video.play().catch(() => {})
  }
  await negotiate(pc, 'receive')
}
window.widths = () => [...document.querySelectorAll('video')].map((one) => one.videoWidth)
"""


class House:
    """A node whose doors pages call directly."""

    def __init__(self, codec: ProgramCodec) -> None:
        self.codec = codec
        self.node = Node([("127.0.0.1", 0)], 10)
        self._numbers = itertools.count(1)

    async def door(self, direction: Direction, offer: str) -> str:
        port, slots = (SITE, []) if direction == "publish" else (WALL, [STAGE, THUMB])
        reply = self.node.handle(
            OpenSession(next(self._numbers), SCOPE, port, direction, offer, slots, self.codec)
        )
        assert isinstance(reply, SessionOpened), reply
        return reply.answer

    def route(self, *slots: SlotName) -> None:
        number = next(self._numbers)
        routes = [Route(WALL, slot, SITE, "camera") for slot in slots]
        self.node.handle(Routes(number, SCOPE, 1, number, None, routes))

    def streams(self) -> list[StreamStats]:
        """What the publisher sends, as the node reports it."""
        sessions = self.node.stats().sessions
        return [x for one in sessions if one.direction == "publish" for x in one.streams]


@pytest.fixture(params=["VP8", "H264"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    house = House(request.param)
    yield house
    house.node.close()


async def prepared(page: Page, house: House) -> Page:
    await page.route("http://localhost/", lambda route: route.fulfill(body="<body></body>"))
    await page.expose_function("door", house.door)
    await page.goto("http://localhost/")
    await page.evaluate(f"window.codec = '{house.codec}'\n{SCRIPT}")
    return page


async def test_each_slot_gets_its_layer_and_follows_when_one_stops(
    playwright: Playwright, house: House
) -> None:
    async with chromium(playwright) as browser:
        site = await prepared(await browser.new_page(), house)
        wall = await prepared(await browser.new_page(), house)
        house.route(STAGE, THUMB)
        await wall.evaluate("receive(2)")
        await site.evaluate("publish()")

        async def widths() -> list[int]:
            found: list[int] = await wall.evaluate("widths()")
            return found

        await eventually(widths, lambda seen: seen == [1280, 320])
        widths_told = {one.layer: one.width for one in house.streams()}
        assert widths_told == {"q": 320, "h": 640, "f": 1280}
        profiles = {(one.profile or "")[:2] for one in house.streams()}
        assert profiles == {"42" if house.codec == "H264" else ""}
        assert [one.layers for one in house.node.layers_wanted()] == [["q", "h", "f"]]

        await site.evaluate("active(['q', 'h'])")
        await eventually(widths, lambda seen: seen == [640, 320])
        await site.evaluate("active(['q'])")
        await eventually(widths, lambda seen: seen == [320, 320])
        await site.evaluate("active(['q', 'h', 'f'])")
        await eventually(widths, lambda seen: seen == [1280, 320])
        assert house.node.stats().dropped.get("unknown_rid", 0) == 0
