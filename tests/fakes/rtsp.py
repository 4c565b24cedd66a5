"""A network camera: just enough of RTSP (RFC 2326) to be played over TCP, and to be unplugged."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Sequence

from bridge.endpoint import loops

PAYLOAD_TYPE = 96
_SDP = f"""v=0
o=- 1 1 IN IP4 127.0.0.1
s=camera
t=0 0
a=control:*
m=video 0 RTP/AVP {PAYLOAD_TYPE}
c=IN IP4 0.0.0.0
a=rtpmap:{PAYLOAD_TYPE} VP8/90000
a=control:track1
""".replace("\n", "\r\n")


class RtspCamera:
    """Sends these VP8 frames round and round, ten a second, to everyone who plays it.

    `deaf`: it takes connections and answers nothing, as a camera that hangs.
    """

    def __init__(self, frames: Sequence[bytes]) -> None:
        self.deaf = False
        self.plays = 0
        self.port = 0
        self._frames = frames
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._playing: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """With a password, as most cameras want one."""
        return f"rtsp://admin:secret@127.0.0.1:{self.port}/live"

    async def plug_in(self) -> None:
        """Listen; after `unplug` on the same port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        """Be gone at once."""
        assert self._server is not None
        self._server.close()
        for task in self._playing:
            task.cancel()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        playing: asyncio.Task[None] | None = None
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                method, number = await self._request(reader)
                if self.deaf:
                    continue
                writer.write(self._answer(method, number))
                await writer.drain()
                if method == "TEARDOWN":
                    break
                if method == "PLAY":
                    self.plays += 1
                    playing = asyncio.create_task(self._play(writer))
                    self._playing.add(playing)
        if playing is not None:
            playing.cancel()
            self._playing.discard(playing)
        self._writers.discard(writer)
        writer.close()

    @staticmethod
    async def _request(reader: asyncio.StreamReader) -> tuple[str, str]:
        """The next request's method and CSeq; interleaved receiver reports are skipped."""
        while (first := await reader.readexactly(1)) == b"$":
            _, size = struct.unpack("!BH", await reader.readexactly(3))
            await reader.readexactly(size)
        lines = (first + await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        return lines[0].split()[0], headers["CSeq"]

    @staticmethod
    def _answer(method: str, number: str) -> bytes:
        lines = ["RTSP/1.0 200 OK", f"CSeq: {number}", "Session: 12345678"]
        body = ""
        match method:
            case "OPTIONS":
                lines.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
            case "DESCRIBE":
                body = _SDP
                lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
            case "SETUP":
                lines.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
            case _:
                pass
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    async def _play(self, writer: asyncio.StreamWriter) -> None:
        sequence = number = 0
        with contextlib.suppress(ConnectionError):
            while True:
                frame = self._frames[number % len(self._frames)]
                parts = list(loops.fragments(frame, number & 0x7FFF))
                for part in parts:
                    last = 0x80 if part is parts[-1] else 0
                    kind = PAYLOAD_TYPE | last
                    rtp = struct.pack("!BBHII", 0x80, kind, sequence & 0xFFFF, number * 9000, 7)
                    writer.write(struct.pack("!cBH", b"$", 0, 12 + len(part)) + rtp + part)
                    sequence += 1
                await writer.drain()
                number += 1
                await asyncio.sleep(0.1)
