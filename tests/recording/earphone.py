"""A plain player of another house (aiortc), and which tones are in the one sound it takes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection

import aiohttp
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from bridge.endpoint import doors
from signaling.wire.rest import SiteDevices

SPAN_S = 0.3
KEPT_S = 60.0
AUDIBLE = 0.05
"""Of the loudness with which a synthetic site sends its tone."""
_SENT = 8_000 / 32_768


def tones_in(sound: NDArray[np.float32], tones: Collection[int]) -> frozenset[int]:
    """Which of these tones are in a sound of −1…1 at 48 kHz, beside whatever else is."""
    shaped = sound * np.hanning(len(sound)) * 2
    at = np.arange(len(sound)) / 48_000
    found = {hz: np.abs(np.mean(shaped * np.exp(-2j * np.pi * hz * at))) * 2 for hz in tones}
    return frozenset(hz for hz, loud in found.items() if loud > AUDIBLE * _SENT)


class Earphone:
    """What came, in pieces: (when it came, monotonic; samples). Nothing before the first packet."""

    def __init__(self, tones: Collection[int]) -> None:
        self._tones = tones
        self._pieces: deque[tuple[float, NDArray[np.float32]]] = deque()
        self._come = asyncio.Event()

    async def listen(self, track: MediaStreamTrack) -> None:
        """Until the track ends."""
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                samples = frame.to_ndarray().astype(np.float32).reshape(-1) / 32_768
                self._pieces.append((time.monotonic(), samples[:: len(frame.layout.channels)]))
                while self._pieces[-1][0] - self._pieces[0][0] > KEPT_S:
                    self._pieces.popleft()
                self._come.set()

    def tones(self, begin: float, end: float) -> frozenset[int]:
        """Which tones were in what came between these moments."""
        parts = [samples for at, samples in self._pieces if begin <= at < end]
        return tones_in(np.concatenate(parts), self._tones) if parts else frozenset()

    def ever(self, begin: float, end: float) -> frozenset[int]:
        """Which tones were in any span of this time."""
        return frozenset().union(*self.spans(begin, end))

    def spans(self, begin: float, end: float) -> list[frozenset[int]]:
        """Which tones were in each span of this time, one after the other."""
        begins = np.arange(begin, end - SPAN_S, SPAN_S / 2)
        return [self.tones(at, at + SPAN_S) for at in begins]

    async def hears(self, *tones: int, limit_s: float = 20.0) -> float:
        """Wait until exactly these tones are in the last span; how long it took."""
        begun = time.monotonic()
        await self._until(lambda now: self.tones(now - SPAN_S, now) == frozenset(tones), limit_s)
        return time.monotonic() - begun

    async def _until(self, condition: Callable[[float], bool], limit_s: float) -> None:
        async with asyncio.timeout(limit_s):
            while not condition(time.monotonic()):
                self._come.clear()
                await self._come.wait()


@contextlib.asynccontextmanager
async def earphone(devices: SiteDevices, tones: Collection[int]) -> AsyncIterator[Earphone]:
    """A player of this site, listening: WHEP without a word of ours, one picture and one sound."""
    peer, tracks = RTCPeerConnection(), []
    peer.on("track", tracks.append)
    async with aiohttp.ClientSession() as http:
        resource = doors.Resource(http, devices.whep, devices.play_token)
        peer.addTransceiver("video", direction="recvonly")
        peer.addTransceiver("audio", direction="recvonly")
        await peer.setLocalDescription(await peer.createOffer())
        answer = await resource(peer.localDescription.sdp)
        await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        ear = Earphone(tones)
        [track] = [one for one in tracks if one.kind == "audio"]
        listening = asyncio.create_task(ear.listen(track))
        try:
            yield ear
        finally:
            await resource.delete()
            await peer.close()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
