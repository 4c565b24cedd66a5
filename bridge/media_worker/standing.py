"""A WHIP or WHEP session of the worker, opened again whenever it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiohttp
import structlog

from bridge.endpoint.doors import RefusedError, Resource
from bridge.endpoint.peer import CONNECT_S, Peer, PeerState
from bridge.endpoint.wheel import Wheel
from bridge.offers import AnswerError, read_answer
from bridge.transport import Certificate, HandshakeError
from signaling.wire.ids import SessionId, SlotName

FIRST_RETRY_S, LAST_RETRY_S = 0.2, 2.0

log = structlog.get_logger("worker")


@dataclass(frozen=True)
class Way:
    """How to come in: by HTTP to `base_url`, then at packet level on the wheel."""

    http: aiohttp.ClientSession
    base_url: str
    wheel: Wheel
    certificate: Certificate


class Standing:
    """One session from `run` to its end; what flows in it is up to the kind. While it is
    `connected`, `up` is set, else `down`.

    Args:
        door: ``whep`` or ``whip``.
        token: gives the Bearer token of the moment, which names conference and port.
        slots: what a receiving one asks for.
        name: for log lines.
        doing: for log lines too: ``receiving``.
    """

    def __init__(
        self,
        way: Way,
        door: str,
        token: Callable[[], str],
        slots: Sequence[SlotName],
        name: str,
        doing: str,
    ) -> None:
        self._way, self._url = way, f"{way.base_url}/{door}"
        self._token, self._slots, self._doing = token, tuple(slots), doing
        self._log = log.bind(of=name)
        self._peer: Peer | None = None
        self._resource: Resource | None = None
        self._over = asyncio.Event()
        self._told = ""
        self.connected = False
        self.up, self.down = asyncio.Event(), asyncio.Event()
        self.down.set()

    async def run(self) -> None:
        """Keep the session up until cancelled; then it is deleted."""
        retry_s = FIRST_RETRY_S
        while True:
            try:
                await self._session()
                retry_s = FIRST_RETRY_S
            except (
                *(RefusedError, AnswerError, HandshakeError, TimeoutError),
                *(aiohttp.ClientError, OSError),
            ) as error:
                self._say(f"{type(error).__name__}: {error}")
            await asyncio.sleep(retry_s)
            retry_s = min(2 * retry_s, LAST_RETRY_S)

    def session_closed(self, session: SessionId) -> None:
        """Signaling says that the bridge ended a session; perhaps ours."""
        location = self._resource.location if self._resource is not None else None
        if location is not None and location.endswith(f"/{session}"):
            self._over.set()

    def _offer(self, peer: Peer) -> str:
        """The SDP of a new session."""
        raise NotImplementedError

    def _answered(self, answer: str) -> None:
        """What the door says to it. Raises AnswerError."""

    def _turn(self, now: float) -> None:
        """Every turn of the wheel while it is."""

    def _rtp(self, now: float, packet: bytes) -> None:
        """A plain packet came."""

    def _rtcp(self, now: float, compound: bytes) -> None:
        """A plain compound packet came."""

    def _ended(self) -> None:
        """It is not connected any more, or never was."""

    async def _session(self) -> None:
        """One session, until it is lost."""
        self._over = asyncio.Event()
        way = self._way
        peer = Peer(way.wheel, way.certificate, self._rtp, self._rtcp, self._changed)
        door = Resource(way.http, self._url, self._token(), self._slots)
        self._peer, self._resource = peer, door
        try:
            answer = await door(self._offer(peer))
            self._answered(answer)
            await peer.connect(read_answer(answer), CONNECT_S)
            self._told = ""
            self._is(connected=True)
            self._log.info(self._doing, slots=list(self._slots))
            way.wheel.add(self._turn)
            await self._over.wait()
            self._say("session lost")
        finally:
            self._is(connected=False)
            way.wheel.remove(self._turn)
            self._ended()
            peer.close()
            await asyncio.shield(_deleted(door))

    def _is(self, *, connected: bool) -> None:
        self.connected = connected
        now, before = (self.up, self.down) if connected else (self.down, self.up)
        before.clear()
        now.set()

    def _changed(self, state: PeerState) -> None:
        if state in ("lost", "closed"):
            self._over.set()

    def _say(self, why: str) -> None:
        """One line for each edge, however often it is tried."""
        if why != self._told:
            self._told = why
            self._log.warning(f"not {self._doing}", reason=why, next_step="trying again")


async def _deleted(door: Resource) -> None:
    """End the resource if it can be reached; the node ends it by itself otherwise."""
    try:
        await door.delete()
    except (RefusedError, aiohttp.ClientError, OSError, TimeoutError):
        return
