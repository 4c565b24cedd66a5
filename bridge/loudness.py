"""How loud one microphone is, from what its packets state of themselves (RFC 6464). Pure."""

from __future__ import annotations

VOICE_DBOV = -50.0
"""From here a packet counts as voice: speech has −15 to −40, a quiet room −60 and less."""
QUIET_DBOV = -80.0
"""What is softer counts as this much in `Loudness.smoothed`: a first word is loud at once."""
HEARD_AFTER_S = 0.3
"""Voice for so long is somebody, and no knock on the table."""
UNHEARD_AFTER_S = 2.0
"""Without voice for so long nobody speaks any more."""
GONE_AFTER_S = 1.0
"""Without a packet for so long nothing comes; clients that leave silence out (DTX) send five a
second."""
CLIPPED_DBOV = -2.0
"""A sine that fills the whole scale has −3: what is louder has been cut."""

SAYS_BY_S = 0.5
"""Who has stated nothing after so long does not state it. Another node's word of a microphone comes
after its first packets."""

_ATTACK_S, _RELEASE_S = 0.06, 0.3
_HEARD_S = HEARD_AFTER_S - 0.001
"""Sums of 20 ms frames are not exact."""
_NOTHING = -1000.0
_FRAME_S = 0.04
_FORGET = 0.8


class Loudness:
    """Give it every packet of one microphone, and ask.

    A client may state what it likes: all numbers stay in their ranges, and what becomes of them is
    in `bridge.speakers`. `smoothed` is in dBov, fast up and slow down.
    """

    __slots__ = (
        "_at",
        "_clipped",
        "_counted",
        "_first_at",
        "_heard",
        "_loudest",
        "_stated_at",
        "_voice_at",
        "_voiced_s",
        "smoothed",
    )

    def __init__(self) -> None:
        self.smoothed = QUIET_DBOV
        self._first_at: float | None = None
        self._at: float | None = None
        self._stated_at: float | None = None
        self._voice_at = 0.0
        self._voiced_s = 0.0
        self._heard = False
        self._loudest = _NOTHING
        self._counted = self._clipped = 0.0

    def packet(self, now: float, level: int | None) -> None:
        """A packet came that states `level` (0–127, −dBov), or nothing."""
        before, self._at = self._at, now
        if before is None:
            self._first_at = now
        if level is None:
            return
        # conditionals in place of min and max: this runs for each sound packet of a node
        elapsed_s = now - before if before is not None else 0.0
        frame_s = elapsed_s if elapsed_s < _FRAME_S else _FRAME_S
        self._stated_at = now
        dbov = -float(level)
        if dbov > self._loudest:
            self._loudest = dbov
        self._counted += 1
        if dbov >= CLIPPED_DBOV:
            self._clipped += 1
        step = (dbov if dbov > QUIET_DBOV else QUIET_DBOV) - self.smoothed
        # after a gap in the packets a single loud one still is but one frame
        share = frame_s / _ATTACK_S if step > 0 else elapsed_s / _RELEASE_S
        self.smoothed += step * share if share < 1 else step
        if dbov >= VOICE_DBOV:
            self._voice_at = now
            voiced_s = self._voiced_s + frame_s
            if voiced_s > _HEARD_S:
                voiced_s = HEARD_AFTER_S
                self._heard = True
            self._voiced_s = voiced_s
        elif self._voiced_s:
            voiced_s = self._voiced_s - elapsed_s / 2
            self._voiced_s = voiced_s if voiced_s > 0 else 0.0

    def told(self, now: float, dbov: float) -> None:
        """Another node, which hears the packets themselves, says how loud it is of late."""
        self._stated_at = now
        self.smoothed = max(dbov, QUIET_DBOV)
        if dbov >= VOICE_DBOV:
            self._voice_at, self._heard = now, True

    def comes(self, now: float) -> bool:
        """Packets come, whatever is in them."""
        return self._at is not None and now - self._at <= GONE_AFTER_S

    def stated(self, now: float) -> bool:
        """Packets come that say how loud they are."""
        return self._stated_at is not None and now - self._stated_at <= GONE_AFTER_S

    def may_yet_state(self, now: float) -> bool:
        """Nothing has been stated, and it is too early to say that nothing will be."""
        unsaid = self._stated_at is None
        return unsaid and (self._first_at is None or now - self._first_at < SAYS_BY_S)

    def heard(self, now: float) -> bool | None:
        """Somebody speaks, or did just now; None if its packets never said."""
        if self._stated_at is None:
            return None
        if now - self._voice_at > UNHEARD_AFTER_S:
            self._heard = False
            self._voiced_s = 0.0
        return self._heard

    def take_level(self) -> float | None:
        """The loudest packet since the last call, dBov; None if none stated its level."""
        loudest, self._loudest = self._loudest, _NOTHING
        return None if loudest == _NOTHING else loudest

    def take_clipping(self) -> float | None:
        """The share of packets that were cut, over the last few calls, newer ones weighing more;
        None if none stated its level."""
        if not self._counted:
            return None
        ratio = self._clipped / self._counted
        self._counted *= _FORGET
        self._clipped *= _FORGET
        if self._counted < 1:
            self._counted = self._clipped = 0.0
        return ratio
