"""What one page has still to be told. Bounded: however slow the page, no more than one view waits.

A change of the conference is only marked here; the patch is made when there is room to send it,
against the view that the page has. So a page that was slow gets everything it missed in one patch.
Figures, wanted layers and how thin its line is replace older ones. Replies wait in a short queue;
while it is full, nothing more is read from the page. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from signaling.view import View, difference
from signaling.wire.figures import Figures
from signaling.wire.ids import Track
from signaling.wire.pages import (
    HeartbeatAck,
    Layers,
    Patch,
    Result,
    ServerMessage,
    SessionClosed,
    Thin,
)

MAX_REPLIES = 64
"""Replies and notices that wait for one page."""


class Outbox:
    """`now` makes the page's view of the newest state."""

    def __init__(self, now: Callable[[], View]) -> None:
        self._now = now
        self._shown: View = {}
        self._seq = 0
        self._changed = False
        self._replies: deque[Result | HeartbeatAck | SessionClosed] = deque()
        self._figures: Figures | None = None
        self._thin: Thin | None = None
        self._layers: dict[Track, Layers] = {}

    @property
    def full(self) -> bool:
        """Whether no further reply may be added."""
        return len(self._replies) >= MAX_REPLIES

    def opening(self) -> tuple[int, View]:
        """Sequence number and rows of the snapshot; everything later builds on it."""
        self._shown, self._changed = self._now(), False
        return self._seq, self._shown

    def changed(self) -> None:
        """The conference changed, perhaps also for this page."""
        self._changed = True

    def figures(self, figures: Figures) -> None:
        """The newest figures."""
        self._figures = figures

    def thin(self, thin: Thin) -> None:
        """How it is with the page's line now."""
        self._thin = thin

    def layers(self, layers: Layers) -> None:
        """Which layers of a track of the page's are wanted now."""
        self._layers[layers.track] = layers

    def add(self, reply: Result | HeartbeatAck | SessionClosed) -> None:
        """Queue a reply or a notice; the caller has looked at `full`."""
        self._replies.append(reply)

    def next(self) -> ServerMessage | None:
        """The next message to send: the state before what refers to it, figures last."""
        if self._changed:
            self._changed = False
            view = self._now()
            put, drop = difference(self._shown, view)
            if put or drop:
                self._seq += 1
                self._shown = view
                return Patch(self._seq, put, drop)
        if self._replies:
            return self._replies.popleft()
        if self._layers:
            return self._layers.pop(next(iter(self._layers)))
        if self._thin is not None:
            thin, self._thin = self._thin, None
            return thin
        figures, self._figures = self._figures, None
        return figures
