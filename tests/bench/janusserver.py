"""Debian's Janus under measurement, as shipped or with one event loop: a video room, driven over
its WebSocket API (its plugin "videoroom": a publisher, and subscribers that are each offered SDP).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from bridge import offers
from bridge.offers import OPUS, VP8
from tests.bench.line import Line, Remote
from tests.bench.namespace import INTERFACE
from tests.bench.packets import AudioTrack, VideoTrack
from tests.bench.server import CONNECT_S, BenchError, Server, process, until

INSTALL = "apt-get install janus"
_SHIPPED = Path("/etc/janus")
_SOCKET = "ws://127.0.0.1:8188"
_ROOM = 2020

Json = dict[str, Any]


def installed() -> bool:
    """Whether Janus and its configuration are on this machine."""
    return shutil.which("janus") is not None and (_SHIPPED / "janus.jcfg").is_file()


class JanusServer:
    """One Janus, and a session of its API."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.pid = 0
        self._socket = socket
        self._session = 0
        self._feed = 0
        self._up: set[int] = set()
        self._waiting: dict[str, asyncio.Queue[Json]] = {}
        self._numbers = itertools.count(1)

    def dropped(self) -> dict[str, int]:
        """See `Server`: it does not say."""
        return {}

    async def begin(self) -> None:
        """Open the API's session and the room."""
        self._session = (await self._ask({"janus": "create"}))["data"]["id"]
        handle = await self._attach()
        room = {
            "request": "create",
            "room": _ROOM,
            "publishers": 1,
            "bitrate": 0,
            "is_private": True,
        }
        codecs = {"audiocodec": "opus", "videocodec": "vp8"}
        await self._message(handle, {**room, **codecs})

    async def publish(self, line: Line, audio: AudioTrack, video: VideoTrack) -> None:
        """See `Server`. We offer and check, Janus answers and is the DTLS client."""
        handle = await self._attach()
        offer = offers.publish_offer(
            line.credentials,
            line.certificate.fingerprint,
            [("audio", audio.ssrc), ("video", video.ssrc)],
        )
        join = {"request": "joinandconfigure", "room": _ROOM, "ptype": "publisher"}
        sdp = with_candidate(offer, line.address)
        told = await self._message(handle, join, {"type": "offer", "sdp": sdp})
        self._feed = told["plugindata"]["data"]["id"]
        answer = offers.read_answer(told["jsep"]["sdp"])
        if answer.passive:
            raise BenchError("Janus wants to be the DTLS server of a publisher")
        remote = Remote(answer.credentials, answer.fingerprint, answer.address)
        await line.connect(remote, "server", checks=True, timeout_s=CONNECT_S)
        # before, it is "no such feed" to subscribers
        await until(lambda: handle in self._up, CONNECT_S)

    async def receive(self, line: Line, index: int) -> None:
        """See `Server`. Janus offers and checks; we answer, and are the DTLS server again, so that
        our order of SRTP profiles decides (RFC 5764 §4.1.1)."""
        handle = await self._attach()
        join = {"request": "join", "room": _ROOM, "ptype": "subscriber"}
        told = await self._message(handle, {**join, "streams": [{"feed": self._feed}]})
        sdp = told["jsep"]["sdp"]
        offer = offers.read_answer(sdp)
        remote = Remote(offer.credentials, offer.fingerprint, offer.address)
        connecting = asyncio.ensure_future(
            line.connect(remote, "server", checks=False, timeout_s=CONNECT_S)
        )
        try:
            answer = {"type": "answer", "sdp": answer_to(sdp, line)}
            await self._message(handle, {"request": "start"}, answer)
            await connecting
        finally:
            connecting.cancel()

    async def _attach(self) -> int:
        told = await self._ask({"janus": "attach", "plugin": "janus.plugin.videoroom"})
        return int(told["data"]["id"])

    async def _message(self, handle: int, body: Json, jsep: Json | None = None) -> Json:
        message = {"janus": "message", "handle_id": handle, "body": body}
        told = await self._ask(message | ({} if jsep is None else {"jsep": jsep}))
        data = told.get("plugindata", {}).get("data", {})
        if "error" in data:
            raise BenchError(f"Janus refused {body['request']}: {data['error']}")
        return told

    async def _ask(self, message: Json) -> Json:
        """Send a request; its answer, which for some comes after an "ack"."""
        name = str(next(self._numbers))
        queue = self._waiting[name] = asyncio.Queue()
        session = {"session_id": self._session} if self._session else {}
        await self._socket.send_json({**message, **session, "transaction": name})
        async with asyncio.timeout(CONNECT_S):
            told = await queue.get()
            while told["janus"] == "ack":
                told = await queue.get()
        del self._waiting[name]
        if told["janus"] == "error":
            raise BenchError(f"Janus refused {message['janus']}: {told['error']['reason']}")
        return told

    async def listen(self) -> None:
        """Hand out what Janus says, until cancelled."""
        async for frame in self._socket:
            told = frame.json()
            if told["janus"] == "webrtcup":
                self._up.add(told["sender"])
            queue = self._waiting.get(told.get("transaction", ""))
            if queue is not None:
                queue.put_nowait(told)


@contextlib.asynccontextmanager
async def janus_server(one_loop: bool, folder: Path, core: int) -> AsyncIterator[Server]:
    """Janus with Debian's configuration; `one_loop` sets ``event_loops = 1`` in it.

    Raises:
        BenchError: it did not come up.
    """
    configuration = folder / "janus"
    shutil.copytree(_SHIPPED, configuration)
    if one_loop:
        main = configuration / "janus.jcfg"
        main.write_text(main.read_text().replace("general: {", "general: {\n\tevent_loops = 1", 1))
    command = ["janus", "--configs-folder", str(configuration)]
    command += ["--config", str(configuration / "janus.jcfg"), "--ice-enforce-list", INTERFACE]
    log = folder / "janus.log"
    async with process(command, log, {}, core) as running, aiohttp.ClientSession() as http:
        socket = await _connect(http, log)
        server = JanusServer(socket)
        server.pid = running.pid
        listening = asyncio.create_task(server.listen())
        try:
            await server.begin()
            yield server
        finally:
            listening.cancel()
            await socket.close()


async def _connect(http: aiohttp.ClientSession, log: Path) -> aiohttp.ClientWebSocketResponse:
    try:
        async with asyncio.timeout(CONNECT_S):
            while True:
                try:
                    return await http.ws_connect(_SOCKET, protocols=["janus-protocol"])
                except aiohttp.ClientError:
                    await asyncio.sleep(0.1)
    except TimeoutError:
        said = log.read_text(errors="replace")[-1000:]
        raise BenchError(f"Janus did not come up:\n{said}") from None


# --- SDP ----------------------------------------------------------------------------------------


def with_candidate(sdp: str, address: tuple[str, int]) -> str:
    """The same with our one candidate in the first section, which carries the bundle."""
    host, port = address
    candidate = f"a=candidate:1 1 udp 2130706431 {host} {port} typ host\r\na=end-of-candidates\r\n"
    at = sdp.index("a=mid:")
    return sdp[:at] + candidate + sdp[at:]


def answer_to(offer: str, line: Line) -> str:
    """Accept all sections of a subscriber's offer, without header extensions."""
    mids = re.findall(r"^a=mid:(\S+)", offer, re.MULTILINE)
    medias = re.findall(r"^m=(\S+)", offer, re.MULTILINE)
    print_ = line.certificate.fingerprint
    lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", f"a=group:BUNDLE {' '.join(mids)}"]
    for media, mid in zip(medias, mids, strict=True):
        payload_type, name = payload(offer, media)
        lines += [
            f"m={media} 9 UDP/TLS/RTP/SAVPF {payload_type}",
            "c=IN IP4 0.0.0.0",
            f"a=ice-ufrag:{line.credentials.ufrag}",
            f"a=ice-pwd:{line.credentials.password}",
            f"a=fingerprint:{print_.algorithm} {print_.value}",
            "a=setup:passive",
            f"a=mid:{mid}",
            "a=recvonly",
            "a=rtcp-mux",
            f"a=rtpmap:{payload_type} {name}",
        ]
        if media == "video":
            asks = ("nack", "nack pli", "ccm fir")
            lines += [f"a=rtcp-fb:{payload_type} {one}" for one in asks]
    return with_candidate("\r\n".join(lines) + "\r\n", line.address)


def payload(sdp: str, media: str) -> tuple[int, str]:
    """Payload type and name of Opus or VP8 in an offer."""
    wanted, default = ("opus", OPUS) if media == "audio" else ("VP8", VP8)
    found = re.search(rf"^a=rtpmap:(\d+) ({wanted}/\S+)", sdp, re.MULTILINE | re.IGNORECASE)
    return (int(found[1]), found[2]) if found else (default, f"{wanted}/90000")
