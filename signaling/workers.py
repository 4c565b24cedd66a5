"""The media workers that have dialled in: orders to the first of them, and what becomes of them.

Orders are the whole of what is wanted, sent at every change and every few seconds. A second worker
waits, and takes over when the first one is gone. After a restart of this service workers go on with
what they do, without orders, until all nodes have had time to say who listens.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
import structlog

from signaling import orders
from signaling.bus import Bus
from signaling.clock import Clock
from signaling.conference.commands import SYSTEM, NoteRecording
from signaling.conferences import Conferences
from signaling.mixwatch import MixWatch
from signaling.nodes import Nodes
from signaling.owner import Owner
from signaling.sessions import Session
from signaling.stills import StillStore
from signaling.tokens import Door, KeyRing, issue
from signaling.wire.codec import encode
from signaling.wire.errors import WireError
from signaling.wire.ids import ConferenceId, Scope, WorkerId
from signaling.wire.ports import is_mix, is_worker_port
from signaling.wire.recordings import RecordingId
from signaling.wire.samples import SitePicture
from signaling.wire.worker import (
    Fact,
    Facts,
    Mix,
    Order,
    Orders,
    RecordFact,
    Still,
    WorkerHello,
    WorkerSessionClosed,
)

REPEAT_S = 10.0
"""So often the orders are sent anew, changed or not."""
SILENCE_S = 5.0
"""A worker without facts for so long counts as gone."""
GRACE_S = 3.0
"""After a start of this service the worker has so long to dial in before it is missed."""
TOKEN_S = 24 * 3600.0
_MAX_NOTICES = 256

Send = Callable[[str], Awaitable[None]]

log = structlog.get_logger("signaling.workers")


@dataclass(slots=True, eq=False)
class WorkerLink:
    """One worker's link. `sent` are the orders that it was given last, without their tokens."""

    worker: WorkerId
    boot_id: str
    send: Send
    close: Callable[[str], Awaitable[None]]
    facts: Facts | None = None
    heard_at: float = 0.0
    sent: list[Order] | None = None
    sent_at: float = 0.0
    notices: deque[WorkerSessionClosed] = field(default_factory=lambda: deque(maxlen=_MAX_NOTICES))
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    writer: asyncio.Task[None] | None = None


class Workers:
    """Registry of worker links. Nothing but `connected` and `stop` waits."""

    def __init__(
        self,
        conferences: Conferences,
        ring: KeyRing,
        clock: Clock,
        bus: Bus,
        nodes: Nodes,
        mixes: MixWatch,
        *,
        settle_s: float,
    ) -> None:
        self.stills = StillStore()
        self._bus = bus
        self._conferences = conferences
        self._ring = ring
        self._nodes, self.mixes = nodes, mixes
        self._clock = clock
        self._links: dict[WorkerId, WorkerLink] = {}
        self._started_at = clock.monotonic()
        self._settle_s = settle_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._noting: set[ConferenceId] = set()

    @property
    def links(self) -> list[WorkerLink]:
        """Those that are connected; the first one works."""
        return list(self._links.values())

    @property
    def facts(self) -> Facts | None:
        """What the one at work said last."""
        return self.links[0].facts if self._links else None

    async def connected(
        self, hello: WorkerHello, send: Send, close: Callable[[str], Awaitable[None]]
    ) -> WorkerLink:
        """A worker has said hello. A link that it had before is closed as ``replaced``."""
        link = WorkerLink(hello.worker, hello.boot_id, send, close)
        link.heard_at = self._clock.monotonic()
        older = self._links.pop(hello.worker, None)
        self._links[hello.worker] = link
        link.writer = asyncio.create_task(self._write(link), name=f"worker {hello.worker}")
        if older is not None:
            self._let_go(older)
            await older.close("replaced")
        log.info(
            "media worker connected",
            worker=hello.worker,
            version=hello.version,
            works=self.links[0] is link,
        )
        self.refresh()
        return link

    def received(self, link: WorkerLink, facts: Facts) -> None:
        """A worker's facts."""
        link.facts, link.heard_at = facts, self._clock.monotonic()
        self._judge()
        self.mixes.judge(self._told())

    def still(self, still: Still) -> None:
        """A site's picture: kept for who may see it, and the monitor is told what it shows."""
        owner = self._conferences.find(still.scope)
        state = owner.current() if owner is not None else None
        if self.stills.put(self._clock.monotonic(), state, still):
            at = self._clock.wall() - still.age_s
            conference = ConferenceId(still.scope)
            self._bus.publish(SitePicture(conference, still.site, at, still.picture))

    def disconnected(self, link: WorkerLink) -> None:
        """The link is closed."""
        self._let_go(link)
        if self._links.get(link.worker) is link:
            worked = self.links[0] is link
            del self._links[link.worker]
            log.warning(
                "media worker disconnected",
                worker=link.worker,
                next_step="it goes on with what it does and dials in again",
            )
            if worked:
                self._end_mixes()
        self.refresh()
        self._judge()

    def session_closed(self, session: Session, reason: str) -> None:
        """The bridge has ended a session: if it is a worker's, the worker is told."""
        if is_worker_port(session.port):
            for link in self.links:
                link.notices.append(WorkerSessionClosed(session.session, reason))
                link.changed.set()

    def refresh(self) -> None:
        """Something may be wanted that was not, or no longer."""
        for owner in self._conferences.all():
            self.stills.changed(owner.current())
        for place, link in enumerate(self.links):
            if link.sent is None or link.sent != self._wanted(works=place == 0):
                link.changed.set()

    def tick(self) -> None:
        """Once a second: repeat what is wanted, and notice who is silent."""
        now = self._clock.monotonic()
        self.stills.tick(now)
        for link in self.links:
            if link.sent is None or now - link.sent_at >= REPEAT_S:
                link.sent = None
                link.changed.set()
        self._judge()
        self.mixes.judge(self._told())

    async def stop(self) -> None:
        """Close every link with ``shutting_down``."""
        links = self.links
        for link in links:
            self._let_go(link)
        await asyncio.gather(*(link.close("shutting_down") for link in links))
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _wanted(self, *, works: bool) -> list[Order]:
        if not works:
            return []
        states = [owner.current() for owner in self._conferences.all()]
        return [
            order for state in states for order in orders.wanted(state, self.mixes.wanted(state))
        ]

    async def _write(self, link: WorkerLink) -> None:
        while True:
            await link.changed.wait()
            link.changed.clear()
            try:
                while link.notices:
                    await link.send(encode(link.notices.popleft()))
                wanted = self._wanted(works=self.links[:1] == [link])
                if self._age_s() >= self._settle_s and link.sent != wanted:
                    link.sent, link.sent_at = wanted, self._clock.monotonic()
                    await link.send(encode(Orders(self._with_tokens(wanted))))
            except (ConnectionError, RuntimeError):
                return  # its reader notices

    def _with_tokens(self, wanted: Iterable[Order]) -> list[Order]:
        expires_at = self._clock.wall() + TOKEN_S
        return [
            msgspec.structs.replace(order, token=issue(_door(order), self._ring, expires_at))
            for order in wanted
        ]

    def _judge(self) -> None:
        """Note in each conference what has become of its recording, where that has changed."""
        for owner in self._conferences.all():
            recording = owner.current().recording
            if recording is None or owner.stopped or owner.conference in self._noting:
                continue
            if self._facts_of(owner) is None and self._may_still_come():
                continue
            state, problem = orders.judged(recording, self._facts_of(owner))
            if state == "starting" or (state, problem) == (recording.state, recording.problem):
                continue
            log.info(
                "recording",
                conference=owner.conference,
                state=state,
                problem=problem,
                since=recording.since,
            )
            self._noting.add(owner.conference)
            task = asyncio.create_task(
                self._note(owner, NoteRecording(recording.number, state, problem))
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _note(self, owner: Owner, command: NoteRecording) -> None:
        try:
            await owner.submit(command, SYSTEM)
        except WireError:
            pass  # a service that stops refuses it; the next one judges anew
        finally:
            self._noting.discard(owner.conference)

    def _end_mixes(self) -> None:
        """What was mixed may be silent from now on, and its sessions stand for a while even if
        their process is dead: players get the floor's first position until another one comes,
        which a process that lives opens at once."""
        for session in self._nodes.all_sessions():
            own = session.relayed_from is None and session.direction == "publish"
            if own and is_mix(session.port):
                self._nodes.close_later(session, "worker_gone")

    def _facts_of(self, owner: Owner) -> dict[RecordingId, RecordFact] | None:
        facts = self._told()
        if facts is None:
            return None
        return {
            fact.recording: fact
            for fact in facts
            if isinstance(fact, RecordFact) and fact.scope == Scope(owner.conference)
        }

    def _told(self) -> Sequence[Fact] | None:
        """What the worker at work says; None without one that is heard."""
        link = next(iter(self._links.values()), None)
        if link is None or self._clock.monotonic() - link.heard_at > SILENCE_S:
            return None
        return link.facts.facts if link.facts is not None else []

    def _may_still_come(self) -> bool:
        return self._age_s() < GRACE_S

    def _age_s(self) -> float:
        """How long this service has been there."""
        return self._clock.monotonic() - self._started_at

    @staticmethod
    def _let_go(link: WorkerLink) -> None:
        if link.writer is not None:
            link.writer.cancel()


def _door(order: Order) -> Door:
    return Door(ConferenceId(order.scope), order.port, publish=isinstance(order, Mix))
