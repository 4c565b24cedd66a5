"""Keeps the trunks between nodes at what each conference needs; see `trunks` for which those are.

A trunk is opened with three messages – its node makes an offer, the source answers it as any other
receiver's, the node takes the answer – and is two sessions from then on. Whatever goes wrong on the
way is undone and tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from signaling import trunks
from signaling.clock import Clock
from signaling.nodes import Nodes
from signaling.routing import Crosspoint, Source
from signaling.sessions import Session
from signaling.trunks import Trunk, is_trunk
from signaling.wire.control import TRUNK_SLOTS
from signaling.wire.errors import WireError
from signaling.wire.ids import Port, ProgramCodec, Scope

RETRY_S = 2.0
"""Until a trunk that could not be opened is tried again."""

log = structlog.get_logger("signaling.relaying")


class Trunks:
    """The trunks of all scopes. Its methods never block."""

    def __init__(
        self, nodes: Nodes, clock: Clock, codec_of: Callable[[Scope], ProgramCodec]
    ) -> None:
        self._nodes = nodes
        self._codec_of = codec_of
        self._clock = clock
        self._opening: dict[tuple[Scope, Trunk], asyncio.Task[None]] = {}
        self._rested_at: dict[tuple[Scope, Trunk], float] = {}

    def refresh(self, scope: Scope) -> None:
        """Sessions of the scope came or went: open what is needed, close what is not."""
        sessions = self._nodes.sessions(scope)
        needed = trunks.wanted(sessions)
        standing = {_trunk(one): one for one in sessions if one.relayed_from is not None}
        # of a node that is not there nothing is known: its trunks go on without us
        known = {link.node for link in self._nodes.links}
        for trunk, session in standing.items():
            if trunk not in needed and trunk.source in known:
                self._close(session)
        now = self._clock.monotonic()
        for trunk in needed - set(standing):
            key = (scope, trunk)
            if key not in self._opening and self._rested_at.get(key, now) <= now:
                self._opening[key] = asyncio.create_task(self._open(scope, trunk))

    def tick(self) -> None:
        """Once a second: what failed is tried again, what stands alone is closed."""
        now = self._clock.monotonic()
        self._rested_at = {key: at for key, at in self._rested_at.items() if at > now}
        for scope in {one.scope for one in self._nodes.all_sessions()}:
            self._close_halves(scope)
            self.refresh(scope)

    def routes(
        self, scope: Scope, table: dict[Crosspoint, Source], speakers: tuple[Port, ...] = ()
    ) -> dict[Crosspoint, Source]:
        """What is to flow in the scope's trunks for this table of its receivers."""
        sessions = self._nodes.sessions(scope)
        standing = [_trunk(one) for one in sessions if one.relayed_from is not None]
        if not standing:
            return {}
        homes = {one.port: one.node for one in sessions if one.direction == "receive"}
        return trunks.routes(standing, table, homes, speakers)

    async def stop(self) -> None:
        """Give up what is being opened."""
        for task in self._opening.values():
            task.cancel()
        await asyncio.gather(*self._opening.values(), return_exceptions=True)

    async def _open(self, scope: Scope, trunk: Trunk) -> None:
        opened: list[Session] = []
        try:
            near, offer = await self._nodes.open_trunk(trunk.node, scope, trunk.port, trunk.source)
            opened.append(near)
            far = await self._nodes.open_session(
                scope,
                trunk.receiver,
                "receive",
                offer,
                list(TRUNK_SLOTS),
                codec=self._codec_of(scope),
                node=trunk.source,
            )
            opened.append(far.session)
            await self._nodes.connect_trunk(near, far.answer)
            log.info(
                "trunk opened", scope=scope, port=trunk.port, node=trunk.node, source=trunk.source
            )
        except Exception as error:
            # nobody waits for this task: whatever went wrong is told here, and tried again
            self._rested_at[scope, trunk] = self._clock.monotonic() + RETRY_S
            log.warning(
                "trunk not opened", scope=scope, port=trunk.port, node=trunk.node,
                source=trunk.source, reason=str(error) or type(error).__name__,
                next_step=f"again in {RETRY_S:g} s", exc_info=not isinstance(error, WireError),
            )  # fmt: skip
            for session in opened:
                self._close(session)
        finally:
            del self._opening[scope, trunk]

    def _close_halves(self, scope: Scope) -> None:
        """A trunk whose other end is gone is closed; `refresh` then opens both ends of another."""
        known = {link.node for link in self._nodes.links}
        sessions = self._nodes.sessions(scope)
        near = {_trunk(one): one for one in sessions if one.relayed_from is not None}
        far = {one.port: one for one in sessions if is_trunk(one.port)}
        under_way = {trunk.receiver for _, trunk in self._opening}
        for trunk, session in near.items():
            alone = trunk.receiver not in far and trunk.source in known
            if alone and trunk.receiver not in under_way:
                self._close(session)
        wanted = {trunk.receiver for trunk in near} | under_way
        for port, session in far.items():
            if port not in wanted and trunks.node_of(port) in known:
                self._close(session)

    def _close(self, session: Session) -> None:
        if not session.closing:
            self._nodes.close_later(session, "trunk_not_wanted")


def _trunk(session: Session) -> Trunk:
    assert session.relayed_from is not None
    return Trunk(session.node, session.port, session.relayed_from)
