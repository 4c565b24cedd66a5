"""An encoder with a second picture, and no word of ours: its slides are taken on air."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import aiohttp
import av
from aiortc import RTCPeerConnection, RTCSessionDescription, VideoStreamTrack

from bridge.endpoint import cellcode, doors
from signaling.wire.commands import Scene, Take
from signaling.wire.ids import SiteCode
from signaling.wire.pages import SeatRow
from signaling.wire.rest import SiteDevices
from tests.browser.people import eventually
from tests.peers.conference import Conference
from tests.peers.players import aiortc_player, until_shown
from tests.service import Service


class Labelled(VideoStreamTrack):
    """A picture that says its name."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self._picture = cellcode.picture(label, label, 1)

    async def recv(self) -> av.VideoFrame:
        frame = av.VideoFrame.from_ndarray(self._picture, format="rgb24")
        frame.pts, frame.time_base = await self.next_timestamp()
        return frame


@contextlib.asynccontextmanager
async def encoder(devices: SiteDevices, *labels: str) -> AsyncIterator[None]:
    """Publishes a picture of each label, in one session."""
    peer = RTCPeerConnection()
    async with aiohttp.ClientSession() as http:
        resource = doors.Resource(http, devices.whip, devices.publish_token)
        for label in labels:
            peer.addTrack(Labelled(label))
        try:
            await peer.setLocalDescription(await peer.createOffer())
            answer = await resource(peer.localDescription.sdp)
            await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            yield
        finally:
            await resource.delete()
            await peer.close()


async def test_the_second_picture_of_an_encoder_is_taken_as_its_slides(service: Service):
    async with Conference(service, "VP8") as conference:
        room, viewer = await conference.devices("48"), await conference.devices("02")

        async def sharing() -> bool:
            seat = conference.desk.rows["seat/48"]
            return isinstance(seat, SeatRow) and seat.sharing

        async with encoder(room, "48", "SLDS"), aiortc_player(viewer) as track:
            await conference.take("48")
            await until_shown(track, "48")
            await eventually(sharing, bool)
            await conference.do(Take(Scene("single", (SiteCode("48"),), SiteCode("48"))))
            await until_shown(track, "SLDS")
