"""The bridge under measurement: the product's own process, driven over its control link."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import WSMsgType, web

from bridge import offers
from cli.drilling.service import free_media_port
from signaling.wire.codec import MAX_CONTROL_FRAME, decode_node_message, encode
from signaling.wire.control import (
    Hello,
    NodeMessage,
    OpenSession,
    Refused,
    Route,
    Routes,
    RoutesHeld,
    SessionEdge,
    SessionOpened,
    SignalingMessage,
    Stats,
)
from signaling.wire.ids import Port, Scope, SlotName, Track
from tests.bench.line import Line, Remote
from tests.bench.packets import AudioTrack, VideoTrack
from tests.bench.server import CONNECT_S, BenchError, Server, process

SCOPE = Scope("bench")
SOURCE = Port("00/main")
ROUTED: dict[SlotName, Track] = {SlotName("stage:1"): "camera", SlotName("floor:1"): "mic"}


class BridgeServer:
    """One bridge node, and this end of its control link."""

    def __init__(self, receivers: int) -> None:
        self.pid = 0
        self._receivers = receivers
        self._requests = itertools.count(1)
        self._replies: dict[int, asyncio.Future[NodeMessage]] = {}
        self._link: web.WebSocketResponse | None = None
        self._up = asyncio.Event()
        self._dropped: dict[str, int] = {}

    def dropped(self) -> dict[str, int]:
        """See `Server`: of its latest report."""
        return {reason: count for reason, count in self._dropped.items() if count}

    async def publish(self, line: Line, audio: AudioTrack, video: VideoTrack) -> None:
        """See `Server`."""
        offer = offers.publish_offer(
            line.credentials,
            line.certificate.fingerprint,
            [("audio", audio.ssrc), ("video", video.ssrc)],
        )
        await self._open(line, OpenSession(next(self._requests), SCOPE, SOURCE, "publish", offer))
        routes = [
            Route(_port(index), slot, SOURCE, track)
            for index in range(self._receivers)
            for slot, track in ROUTED.items()
        ]
        reply = await self._ask(Routes(next(self._requests), SCOPE, 1, 1, None, routes))
        if not isinstance(reply, RoutesHeld) or reply.revision != 1:
            raise BenchError(f"the bridge did not take the routes: {reply}")

    async def receive(self, line: Line, index: int) -> None:
        """See `Server`."""
        offer = offers.receive_offer(
            line.credentials, line.certificate.fingerprint, ["video", "audio"]
        )
        await self._open(
            line,
            OpenSession(next(self._requests), SCOPE, _port(index), "receive", offer, list(ROUTED)),
        )

    async def _open(self, line: Line, message: OpenSession) -> None:
        reply = await self._ask(message)
        if not isinstance(reply, SessionOpened):
            raise BenchError(f"the bridge did not open a session: {reply}")
        answer = offers.read_answer(reply.answer)
        remote = Remote(answer.credentials, answer.fingerprint, answer.address)
        await line.connect(remote, "client", checks=True, timeout_s=CONNECT_S)

    async def _ask(self, message: SignalingMessage) -> NodeMessage:
        assert self._link is not None
        reply: asyncio.Future[NodeMessage] = asyncio.get_running_loop().create_future()
        self._replies[message.request] = reply
        await self._link.send_str(encode(message))
        async with asyncio.timeout(CONNECT_S):
            return await reply

    async def wait_up(self) -> None:
        """Until the bridge has said hello."""
        async with asyncio.timeout(CONNECT_S):
            await self._up.wait()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """The control link."""
        self._link = web.WebSocketResponse(max_msg_size=MAX_CONTROL_FRAME)
        await self._link.prepare(request)
        async for frame in self._link:
            if frame.type is not WSMsgType.TEXT:
                break
            self._told(decode_node_message(frame.data))
        return self._link

    def _told(self, message: NodeMessage) -> None:
        match message:
            case Hello():
                self._up.set()
            case Stats(dropped=dropped):
                self._dropped = dropped
            case SessionEdge():
                pass
            case SessionOpened() | RoutesHeld() | Refused() | _:
                waiting = self._replies.pop(message.request, None)
                if waiting is not None:
                    waiting.set_result(message)


@contextlib.asynccontextmanager
async def bridge_server(
    address: str, receivers: int, folder: Path, core: int, packet_path: str
) -> AsyncIterator[Server]:
    """A bridge that announces this address. Raises BenchError if it does not come up."""
    server = BridgeServer(receivers)
    app = web.Application()
    app.router.add_get("/control", server.serve)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    environment = {
        "DIEMCAU_NODE_TOKEN": secrets.token_hex(32),
        "DIEMCAU_BRIDGE__SIGNALING_URL": f"http://127.0.0.1:{port}",
        "DIEMCAU_BRIDGE__MEDIA_ADDRESSES": address,
        "DIEMCAU_BRIDGE__PACKET_PATH": packet_path,
    }
    command = [sys.executable, "-m", "cli", "bridge", "--stop-with-stdin"]
    command += ["--data-dir", str(folder), "--media-port", str(free_media_port(1))]
    log = folder / "bridge.log"
    try:
        async with process(command, log, environment, core) as running:
            server.pid = running.pid
            try:
                await server.wait_up()
            except TimeoutError:
                said = log.read_text(errors="replace")[-1000:]
                raise BenchError(f"the bridge did not come up:\n{said}") from None
            yield server
    finally:
        await runner.cleanup()


def _port(index: int) -> Port:
    return Port(f"{index + 1:02d}/main")
