"""An agent's WHIP and WHEP sessions by aiortc: negotiated, held, and ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import aiohttp
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpCodecCapability,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.stats import RTCStats

from bridge.endpoint import doors
from signaling.wire.ids import ProgramCodec
from signaling.wire.pages import IceServer, SessionClosed

CONNECT_S = 20.0

Ended = Callable[[], Awaitable[None]]
"""Waits until a session has ended."""


class Sessions:
    """The sessions that stand. Give it what the service says about them, by `closed`."""

    def __init__(self) -> None:
        self._ended: dict[str, asyncio.Event] = {}

    def closed(self, message: SessionClosed) -> None:
        """The service has ended a session."""
        ended = self._ended.get(message.session)
        if ended is not None:
            ended.set()

    @contextlib.asynccontextmanager
    async def open(
        self, connection: RTCPeerConnection, resource: doors.Resource, codec: ProgramCodec
    ) -> AsyncIterator[Ended]:
        """Negotiate through the door, wait for the connection, delete the resource at the end.

        Pictures are offered in `codec` alone; the second is the first one small (RFC 4796).

        What is yielded waits until the service closes the session, or the connection fails.
        """
        changed, closed = asyncio.Event(), asyncio.Event()
        connection.on("connectionstatechange", changed.set)
        try:
            for transceiver in connection.getTransceivers():
                transceiver.setCodecPreferences(_codecs(transceiver.kind, codec))
            await connection.setLocalDescription(await connection.createOffer())
            answer = await resource(with_small_picture(connection.localDescription.sdp))
            session = (resource.location or "").rpartition("/")[2]
            self._ended[session] = closed
            await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            async with asyncio.timeout(CONNECT_S):
                while connection.connectionState != "connected":
                    if connection.connectionState in ("failed", "closed"):
                        raise ConnectionError("the media connection failed")
                    await changed.wait()
                    changed.clear()

            async def ended() -> None:
                while connection.connectionState == "connected" and not closed.is_set():
                    await _first(changed.wait(), closed.wait())
                    changed.clear()

            yield ended
        finally:
            self._ended = {key: one for key, one in self._ended.items() if one is not closed}
            with contextlib.suppress(
                aiohttp.ClientError, OSError, TimeoutError, doors.RefusedError
            ):
                await resource.delete()


def with_small_picture(offer: str) -> str:
    """The offer, where it sends two pictures, with the second marked as the small one."""
    head, *sections = offer.split("\r\nm=")
    sent = [
        index
        for index, one in enumerate(sections)
        if one.startswith("video") and "a=sendonly" in one
    ]
    if len(sent) == 2:
        sections[sent[1]] = sections[sent[1]].rstrip("\r\n") + "\r\na=content:alt"
    return "\r\nm=".join([head, *sections]).rstrip("\r\n") + "\r\n"


async def stats(held: RTCPeerConnection) -> list[RTCStats]:
    """What a connection says of itself."""
    return list((await held.getStats()).values())


async def _first(*waits: Awaitable[object]) -> None:
    tasks = [asyncio.ensure_future(one) for one in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def connection(ice_servers: Sequence[IceServer]) -> RTCPeerConnection:
    """A new peer connection that may use these servers."""
    servers = [
        RTCIceServer(urls=server.urls, username=server.username, credential=server.credential)
        for server in ice_servers
    ]
    # "balanced" would leave a second picture without a transport
    return RTCPeerConnection(
        RTCConfiguration(iceServers=servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    )


def _codecs(kind: str, video: ProgramCodec) -> list[RTCRtpCodecCapability]:
    wanted = "audio/opus" if kind == "audio" else f"video/{video}".lower()
    return [
        codec
        for codec in RTCRtpSender.getCapabilities(kind).codecs
        if codec.mimeType.lower() == wanted
    ]
