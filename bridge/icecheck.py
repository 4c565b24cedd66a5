"""The checking side of ICE for one session with an ICE-lite peer: connect, then keep consent.

RFC 8445 §7.2 (we are always controlling and nominate at once, as the peer has one path only) and
RFC 7675 for consent. What the agent and the synthetic sites speak to the bridge's `ice.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bridge import stun
from bridge.ice import Credentials

CheckState = Literal["checking", "connected", "lost"]

FIRST_RETRY_S = 0.1
"""Doubled after each unanswered check until it reaches `CONSENT_S`."""
CONSENT_S = 2.0
LOST_AFTER_S = 10.0
"""Seconds without an authentic answer after which the path counts as lost; checks go on."""
_REMEMBERED = 8
_PRIORITY = 0x6E7F1EFF
"""A host candidate's peer-reflexive priority (RFC 8445 §5.1.2)."""


@dataclass(frozen=True)
class Received:
    """A STUN datagram from the peer."""

    datagram: bytes


@dataclass(frozen=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True)
class Check:
    """Send this datagram to the peer."""

    datagram: bytes


@dataclass(frozen=True)
class Answer:
    """Send this datagram to the peer: it answers its check."""

    datagram: bytes


@dataclass(frozen=True)
class Changed:
    """An edge of the state; ``connected`` comes first, and again after ``lost``."""

    state: CheckState


Event = Received | Tick
Output = Check | Answer | Changed


class IceChecker:
    """Sends a check now and then, and judges the answers.

    Args:
        local: our credentials, as our offer names them.
        remote: the peer's, from its answer; its password signs both ways (RFC 8445 §7.2.2).
        tie_breaker: 64 random bits (RFC 8445 §7.3.1.1).
        new_transaction: gives 12 random bytes for each check.
        now: when to send the first check.
        address: the peer's, for the answers to its own checks.

    `answered_at` is when the peer last answered, `now` before it ever did.
    """

    def __init__(
        self,
        local: Credentials,
        remote: Credentials,
        tie_breaker: int,
        new_transaction: Callable[[], bytes],
        now: float,
        address: tuple[str, int],
    ) -> None:
        self.state: CheckState = "checking"
        self.rtt_s: float | None = None
        self._username = f"{remote.ufrag}:{local.ufrag}"
        self._password = remote.password.encode()
        self._own_username = f"{local.ufrag}:{remote.ufrag}"
        self._own_password = local.password.encode()
        self._address = address
        self._tie_breaker = tie_breaker
        self._new_transaction = new_transaction
        self._sent: dict[bytes, float] = {}
        self._retry_s = FIRST_RETRY_S
        self._due = now
        self.answered_at = now

    def handle(self, now: float, event: Event) -> list[Output]:
        """Feed an event. Datagrams that are neither an authentic answer to one of our checks nor a
        check of the peer do nothing."""
        if isinstance(event, Received):
            return self._answer(now, event.datagram)
        return self._tick(now)

    def next_deadline(self) -> float:
        """When a `Tick` is due."""
        if self.state == "connected":
            return min(self._due, self.answered_at + LOST_AFTER_S)
        return self._due

    def _tick(self, now: float) -> list[Output]:
        outputs: list[Output] = []
        if self.state == "connected" and now >= self.answered_at + LOST_AFTER_S:
            self.state = "lost"
            outputs.append(Changed("lost"))
        if now >= self._due:
            outputs.append(self._check(now))
        return outputs

    def _check(self, now: float) -> Check:
        transaction = self._new_transaction()
        self._sent[transaction] = now
        while len(self._sent) > _REMEMBERED:
            del self._sent[next(iter(self._sent))]
        if self.state == "connected":
            self._due = now + CONSENT_S
        else:
            self._due = now + self._retry_s
            self._retry_s = min(2 * self._retry_s, CONSENT_S)
        return Check(
            stun.request(transaction, self._username, self._password, _PRIORITY, self._tie_breaker)
        )

    def _answer(self, now: float, datagram: bytes) -> list[Output]:
        try:
            message = stun.parse(datagram)
        except stun.StunError:
            return []
        if message.kind == stun.BINDING_REQUEST:
            return self._respond(message)
        if message.kind != stun.BINDING_SUCCESS or not message.authentic(self._password):
            return []
        sent = self._sent.pop(message.transaction, None)
        if sent is None:
            return []
        self.rtt_s, self.answered_at = now - sent, now
        if self.state == "connected":
            return []
        self.state, self._retry_s, self._due = "connected", FIRST_RETRY_S, now + CONSENT_S
        return [Changed("connected")]

    def _respond(self, request: stun.Message) -> list[Output]:
        """The bridge asks whether we are where a check of ours came from."""
        if request.username != self._own_username or not request.authentic(self._own_password):
            return []
        return [Answer(stun.success(request, *self._address, self._own_password))]
