"""Which slots hang on which feed, and which keyframes that needs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.aims import Aim, Feed, Track, without
from bridge.keyframes import KeyframeAsker
from bridge.source import Source

PATIENCE_S = 3.0
"""How long an old picture goes on while its successor gives no keyframe."""


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    """Send a PLI (RFC 4585 §6.3.1) for `source.ssrc` to the session that publishes `source`."""

    source: Source


class Wiring:
    """Both ends of each connection are kept in step here: what an aim carries, waits for and shows,
    and a feed's slots, waiting slots and a track's aims. Keyframes are asked for while anybody
    waits for one (`bridge.keyframes`).
    """

    def __init__(self) -> None:
        self.feeds: dict[Source, Feed] = {}
        self.asker = KeyframeAsker()
        # those that show one source and wait for another, and until when they may
        self._give_up_at: dict[Aim, float] = {}

    def show(self, aim: Aim, track: Track | None) -> None:
        """Note whose layers the slot shows."""
        if aim.track is not track:
            if aim.track is not None:
                aim.track.aims.pop(aim, None)
            if track is not None:
                track.aims[aim] = None
            aim.track = track

    def wait_for(self, aim: Aim, feeds: tuple[Feed, ...]) -> None:
        """Wait for these and nothing else."""
        before, aim.wanted = aim.wanted, feeds
        for feed in feeds:
            if feed not in before:
                feed.waiting += (aim.slot,)
        for feed in before:
            if feed not in feeds:
                feed.waiting = without(feed.waiting, aim.slot)
                self._rest(feed)

    def stop_waiting(self, aim: Aim) -> None:
        """Wait for nothing."""
        self.wait_for(aim, ())
        self._give_up_at.pop(aim, None)

    def stop(self, aim: Aim) -> None:
        """End what the slot carries; it may still wait for something else."""
        if aim.carried is not None:
            aim.slot.end()
            aim.carried.slots = without(aim.carried.slots, aim.slot)
            self._rest(aim.carried)
            aim.carried = None
        self._give_up_at.pop(aim, None)

    def _rest(self, feed: Feed) -> None:
        if feed.waiting:
            return
        feed.held.clear()
        if not feed.slots and not self.awaited(feed):
            self.asker.content(feed.source)

    def ask(self, now: float, feeds: Iterable[Feed], *, begins: bool) -> Sequence[KeyframeRequest]:
        """Ask for a keyframe of these, once for each section: of its first one."""
        first = {one.source.section or one.source: one.source for one in reversed(list(feeds))}
        return [
            KeyframeRequest(asked)
            for source in reversed(first.values())
            if source.codec.media != "audio"
            for asked in self.asker.want(now, source, begins=begins)
        ]

    def awaited(self, feed: Feed) -> bool:
        """Whether slots wait for a keyframe of this source or of one that makes its with it."""
        if feed.waiting:
            return True
        section = feed.source.section
        return section is not None and any(
            self.feeds[layer.source].waiting
            for layer in feed.track.ladder.layers
            if layer.source is not None and layer.flows and layer.source.section == section
        )

    def be_patient(self, now: float, aim: Aim) -> None:
        """What the slot has left goes on for `PATIENCE_S`, however often its successor changes."""
        self._give_up_at.setdefault(aim, now + PATIENCE_S)

    def content(self, aim: Aim) -> None:
        """What it carries may stay."""
        self._give_up_at.pop(aim, None)

    def next_deadline(self) -> float | None:
        """When a keyframe is asked for again, or somebody's patience ends; None: neither."""
        due = [self.asker.next_deadline(), *self._give_up_at.values()]
        return min((at for at in due if at is not None), default=None)

    def give_up(self, now: float) -> None:
        """Stop pictures whose successor never came."""
        for aim in [aim for aim, at in self._give_up_at.items() if at <= now]:
            self.stop(aim)
