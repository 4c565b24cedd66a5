"""A player that others wrote, at the far end of a cable: aiortc, which reports loss and round trip
and nothing else.

``python -m tests.network.plainplayer`` writes its offer as a line of JSON, reads the answer as
another, then writes the width of every picture that it decodes, a line each.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Sequence

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)

from tests.network.cable import Cable


class PlainPlayer:
    """Call `offer`, hand it to a node, and `accept` its answer, as with a `Spectator`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def offer(self, medias: Sequence[str]) -> str:
        """Its offer: one picture and one sound."""
        assert list(medias) == ["video", "audio"]
        text: str = json.loads(await self._line())
        return text

    async def accept(self, answer: str) -> None:
        """Take the answer; media flow soon after."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(answer).encode() + b"\n")

    async def width(self) -> int:
        """Of the next picture."""
        return int(await self._line())

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        return await self._process.stdout.readline()


@contextlib.asynccontextmanager
async def plain_player(cable: Cable) -> AsyncIterator[PlainPlayer]:
    """A player at the far end."""
    process = await asyncio.create_subprocess_exec(
        "ip", "netns", "exec", cable.far, sys.executable, "-m", "tests.network.plainplayer",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield PlainPlayer(process)
    finally:
        process.kill()
        await process.wait()


async def _play() -> None:
    peer = RTCPeerConnection(RTCConfiguration([]))
    tasks = []

    @peer.on("track")
    def begin(track: MediaStreamTrack) -> None:
        tasks.append(asyncio.create_task(_watch(track)))

    video = peer.addTransceiver("video", direction="recvonly")
    peer.addTransceiver("audio", direction="recvonly")
    known = RTCRtpReceiver.getCapabilities("video").codecs
    video.setCodecPreferences([one for one in known if one.mimeType == "video/VP8"])
    await peer.setLocalDescription(await peer.createOffer())
    print(json.dumps(peer.localDescription.sdp), flush=True)
    answer = json.loads(await asyncio.to_thread(sys.stdin.readline))
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await asyncio.Event().wait()


async def _watch(track: MediaStreamTrack) -> None:
    while True:
        frame = await track.recv()
        if track.kind == "video":
            print(frame.width, flush=True)


if __name__ == "__main__":
    asyncio.run(_play())
