"""Which mixes are to be made, whether they flow, and who is told when they do not."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from signaling import mixes
from signaling.clock import Clock
from signaling.conference.state import Conference
from signaling.conferences import Conferences
from signaling.mixes import Shortage
from signaling.nodes import Nodes
from signaling.wire.figures import MixFigures
from signaling.wire.ids import ConferenceId, Port, Scope
from signaling.wire.worker import Fact, MixFact

log = structlog.get_logger("signaling.mixwatch")


class MixWatch:
    """Of all conferences. Feed it `judge`, at least once a second; no method blocks."""

    def __init__(
        self, conferences: Conferences, nodes: Nodes, clock: Clock, most: int = mixes.MOST
    ) -> None:
        self._conferences = conferences
        self._nodes = nodes
        self._clock = clock
        self._most = most
        self._shortages: dict[ConferenceId, Shortage] = {}

    def wanted(self, state: Conference) -> list[Port]:
        """What is to be published of a conference: not more than the worker is trusted with."""
        return mixes.wanted(state, self._nodes.listening(Scope(state.conference)), self._most)

    @property
    def missing(self) -> list[ConferenceId]:
        """Where players are without their mix, and not only for a moment."""
        return [one for one, shortage in self._shortages.items() if shortage.missing]

    def figures(self, conference: ConferenceId) -> MixFigures | None:
        """How those of one conference are; None if none is wanted."""
        shortage = self._shortages.get(conference)
        return None if shortage is None else shortage.figures

    def all_figures(self) -> list[MixFigures]:
        """Of each conference that wants any."""
        return [found for one in self._shortages if (found := self.figures(one)) is not None]

    def judge(self, facts: Sequence[Fact] | None) -> None:
        """These are the newest facts of the worker at work; None without one."""
        states = [owner.current() for owner in self._conferences.all()]
        held = self._shortages
        self._shortages = {one.conference: held.get(one.conference, Shortage()) for one in states}
        for state in states:
            scope, shortage = Scope(state.conference), self._shortages[state.conference]
            flowing = {
                fact.port
                for fact in facts or ()
                if isinstance(fact, MixFact) and fact.scope == scope and fact.flowing
            }
            # also those that nobody makes because they are too many
            ports = mixes.wanted(state, self._nodes.listening(scope))
            if not shortage.judge(self._clock.monotonic(), ports, flowing):
                continue
            if shortage.missing:
                log.warning(
                    "players without a mix",
                    conference=state.conference,
                    ports=[port for port in ports if port not in flowing],
                    too_many=len(ports) - len(self.wanted(state)),
                    next_step="they hear the floor's first position, or the program's mix while "
                    "silent; is a media worker running? If too many: signaling.max_mixes",
                )
            else:
                log.info("players have their mix", conference=state.conference)
