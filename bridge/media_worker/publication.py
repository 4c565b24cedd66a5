"""A WHIP session of the worker: one stream of Opus, from whoever makes it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Protocol

from bridge import rtcp
from bridge.endpoint.outgoing import Outgoing
from bridge.endpoint.peer import REPORT_S, Peer
from bridge.media_worker.playout import FRAME, RATE_HZ
from bridge.media_worker.standing import Standing, Way
from bridge.offers import OPUS, publish_offer
from signaling.wire.ids import SessionId

_CNAME = "worker"


class Publishing(Protocol):
    """What work sees of its `Publication`."""

    connected: bool

    async def run(self) -> None:
        """Publish until cancelled."""

    def session_closed(self, session: SessionId) -> None:
        """The bridge ended a session; perhaps this one's."""

    def send(self, steps: int, payload: bytes) -> None:
        """The next frame, `steps` frame times after the one before."""


Publish = Callable[[Callable[[], str], str], Publishing]
"""Makes a publication from what gives the token, and a name."""


class Publication(Standing):
    """Publishes what is given to `send`, frames of 20 ms, from `run` to its end."""

    def __init__(self, way: Way, token: Callable[[], str], name: str) -> None:
        super().__init__(way, "whip", token, (), name, "publishing")
        self._stream = self._new_stream()
        self._report_due = 0.0

    def send(self, steps: int, payload: bytes) -> None:
        """The next frame; nowhere while not connected."""
        self._stream.advance(asyncio.get_running_loop().time(), steps)
        if self._peer is not None and self.connected:
            self._peer.send_rtp(self._stream.packet(payload, marker=False))

    def _offer(self, peer: Peer) -> str:
        # a new session is a new stream: its numbers have nothing to do with the last one's
        self._stream = self._new_stream()
        fingerprint = peer.certificate.fingerprint
        return publish_offer(peer.credentials, fingerprint, [("audio", self._stream.ssrc)])

    def _turn(self, now: float) -> None:
        if now < self._report_due or not self._stream.packets:
            return
        self._report_due = now + REPORT_S
        now = asyncio.get_running_loop().time()
        report = self._stream.report(now, rtcp.ntp_time(time.time()))
        name = rtcp.CanonicalName(self._stream.ssrc, _CNAME)
        assert self._peer is not None
        self._peer.send_rtcp(rtcp.build([report, name]))

    @staticmethod
    def _new_stream() -> Outgoing:
        return Outgoing(OPUS, RATE_HZ, FRAME, secrets.randbits(32))
