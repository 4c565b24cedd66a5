"""ICE-lite for one session: answers checks, knows where to send, watches consent.

RFC 8445 §2.5 and §7.3, consent after RFC 7675. The full agent on the other side does all the
checking, and takes the controlling role. Two checks of our own there are. A peer that has stopped
checking is asked whether it still consents. And before sending moves to another address, the peer
has to answer from there: a check that somebody has captured and sends again from elsewhere is as
authentic as the first time; without this it would take the stream away.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from bridge import stun

Transport = Literal["udp", "tcp"]
IceState = Literal["new", "alive", "lost", "closed"]

LOST_AFTER_S = 5.0
"""Seconds without any authentic packet after which the peer counts as lost; it may return."""
CLOSED_AFTER_S = 30.0
"""Seconds without a check after which consent to send is over (RFC 7675 §5.1), or never came."""
ASK_AFTER_S = 8.0
"""Seconds without a check after which we ask for consent ourselves, with each `Tick`: encoders on
libnice check until they are connected and then never again."""
MAX_PATHS = 16
"""Addresses of one peer that are accepted at once; the longest unused one makes room."""
FRESH_S = 5.0
"""Seconds since its last check for which a path counts as in use: two of a browser's (2.5 s)."""
REMEMBERED = 256
"""Checks that are known again: ten minutes of a browser's."""
CHECKS_PER_S = 50.0
CHECKS_BURST = 100.0
_ASKED = 8


class Path(NamedTuple):
    """One of our sockets, and the peer's address as ``recvfrom`` gave it."""

    socket: int
    address: tuple[Any, ...]


@dataclass(frozen=True)
class Credentials:
    """Of an SDP's ``a=ice-ufrag`` and ``a=ice-pwd``."""

    ufrag: str
    password: str


class Candidate(NamedTuple):
    """A host candidate as an answer announces it; of TCP always the passive end (RFC 6544)."""

    transport: Transport
    host: str
    port: int


# --- events -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CheckReceived:
    """A STUN message that names this session (`stun.Message.ufrag`) came over this path."""

    message: stun.Message
    path: Path


@dataclass(frozen=True)
class Heard:
    """An authentic SRTP or SRTCP packet came: the peer lives, though this is no consent."""


@dataclass(frozen=True)
class Moved:
    """An authentic SRTP packet came over a path that no check has used: the peer's address has
    changed, and its next check is seconds away. Sending waits for that check."""

    path: Path


@dataclass(frozen=True)
class PathClosed:
    """The TCP connection that this path was is gone."""

    path: Path


@dataclass(frozen=True)
class Tick:
    """Time has passed."""


IceEvent = CheckReceived | Heard | Moved | PathClosed | Tick

# --- outputs ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Respond:
    """Send this datagram back over the path."""

    datagram: bytes
    path: Path


@dataclass(frozen=True)
class Ask:
    """Send this check of our own over the path."""

    datagram: bytes
    path: Path


@dataclass(frozen=True)
class PathAdded:
    """Accept packets from this path now. Said again of a path that is known already: another
    session may have taken the address in between."""

    path: Path


@dataclass(frozen=True)
class PathDropped:
    """Accept them no longer."""

    path: Path


@dataclass(frozen=True)
class Selected:
    """Send to this path from now on."""

    path: Path


@dataclass(frozen=True)
class Unselected:
    """Send nowhere until another path is selected."""


@dataclass(frozen=True)
class StateChanged:
    """An edge: ``alive`` (first, or again), ``lost`` or ``closed``, and why."""

    state: IceState
    reason: str = ""


@dataclass(frozen=True)
class Dropped:
    """The datagram was dropped; `reason` names the counter."""

    reason: str


IceOutput = Respond | Ask | PathAdded | PathDropped | Selected | Unselected | StateChanged | Dropped


class IceLite:
    """The responder of one session.

    Packets are accepted from every path that passed an authenticated check, since browsers check
    from several addresses at once. We send to the first such path, and move when the peer nominates
    another by USE-CANDIDATE: after it has answered from there, or at once if the one in use has
    fallen silent.

    Args:
        local: ours, as the answer has them.
        remote: the peer's, from its offer.
        new_transaction: gives 12 bytes, not to be guessed, for each check of our own; it is told
            our newest ufrag.
    """

    def __init__(
        self,
        local: Credentials,
        remote: Credentials,
        now: float,
        new_transaction: Callable[[str], bytes],
    ) -> None:
        self.state: IceState = "new"
        self.selected: Path | None = None
        self.last_check: float | None = None
        # by username; the newest last, the one before it until the first check with the newest
        self._passwords = {f"{local.ufrag}:{remote.ufrag}": local.password.encode()}
        self._peer_password = remote.password.encode()
        self._peer_username = f"{remote.ufrag}:{local.ufrag}"
        self._ufrag = local.ufrag
        self._new_transaction = new_transaction
        # by transaction: whom, and whether we move there
        self._asked: dict[bytes, tuple[Path, bool]] = {}
        self._seen: dict[bytes, None] = {}
        self._paths: dict[Path, float] = {}
        self._opened = now
        self._last_heard = now
        self._tokens = CHECKS_BURST
        self._tokens_at = now

    @property
    def paths(self) -> Sequence[Path]:
        """Where packets are accepted from, the longest unused first."""
        return tuple(self._paths)

    def fresh(self, now: float, path: Path) -> bool:
        """Whether a check came over this path lately."""
        at = self._paths.get(path)
        return self.state != "closed" and at is not None and now < at + FRESH_S

    def uses(self, now: float, path: Path) -> bool:
        """Whether the peer is at this path now: it checks there, or sends and is sent to there. An
        encoder may check but once."""
        sends = path == self.selected and now < self._last_heard + FRESH_S
        return self.fresh(now, path) or (self.state != "closed" and sends)

    def handle(self, now: float, event: IceEvent) -> list[IceOutput]:
        """Feed an event. After ``closed`` nothing is answered any more."""
        if self.state == "closed":
            return [Dropped("unknown_peer")] if isinstance(event, CheckReceived) else []
        if isinstance(event, CheckReceived):
            return self._check(now, event)
        if isinstance(event, Heard):
            return self._heard(now)
        if isinstance(event, Moved):
            return self._learn(now, event.path) + self._heard(now)
        if isinstance(event, PathClosed):
            return self._closed(event.path)
        return self._tick(now)

    def restart(self, local: Credentials, remote: Credentials) -> None:
        """New credentials on both sides (RFC 8445 §9). Paths stay, and media goes on; checks with
        the former ones are answered until the first that has the new."""
        former = list(self._passwords.items())[-1:]
        self._passwords = dict(former)
        self._passwords[f"{local.ufrag}:{remote.ufrag}"] = local.password.encode()
        self._peer_password = remote.password.encode()
        self._peer_username = f"{remote.ufrag}:{local.ufrag}"
        self._ufrag = local.ufrag
        self._asked.clear()

    def next_deadline(self) -> float | None:
        """When a `Tick` is due, if nothing else comes."""
        if self.state == "closed":
            return None
        if self.state == "alive":
            return min(self._last_heard + LOST_AFTER_S, self._expiry())
        return self._expiry()

    def _expiry(self) -> float:
        return (self._opened if self.last_check is None else self.last_check) + CLOSED_AFTER_S

    def _check(self, now: float, event: CheckReceived) -> list[IceOutput]:
        request = event.message
        if request.kind == stun.BINDING_SUCCESS:
            return self._answered(now, event)
        if request.kind != stun.BINDING_REQUEST:
            return [Dropped("stun_unexpected")]
        password = self._passwords.get(request.username or "")
        if password is None or not request.authentic(password):
            return [Dropped("stun_integrity")]
        if not self._allowed(now):
            return [Dropped("stun_rate")]
        if request.transaction in self._seen:
            return self._again(event, password)
        self._seen[request.transaction] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        if request.controlled:
            # a lite agent is always controlled (RFC 8445 §6.1.1); the peer has to switch (§7.3.1.1)
            answer = stun.failure(request, 487, "Role Conflict", password)
            return [Respond(answer, event.path)]
        newest = next(reversed(self._passwords))
        if request.username == newest:
            self._passwords = {newest: password}
        self.last_check = now
        host, port = event.path.address[:2]
        outputs: list[IceOutput] = [
            Respond(stun.success(request, host, port, password), event.path)
        ]
        outputs += self._learn(now, event.path)
        if self.selected is None:
            outputs += self._select(event.path)
        elif request.use_candidate and self.selected != event.path:
            if self.fresh(now, self.selected):
                outputs.append(self._ask(event.path, moves=True))
            else:
                outputs += self._select(event.path)
        return outputs + self._heard(now)

    def _again(self, event: CheckReceived, password: bytes) -> list[IceOutput]:
        """A check that was here before: its answer got lost, or somebody has captured it. It is no
        new consent (RFC 7675 §5.1) and nominates nothing."""
        if event.path not in self._paths:
            return [Dropped("stun_replay")]
        host, port = event.path.address[:2]
        answer = stun.success(event.message, host, port, password)
        return [Respond(answer, event.path)]

    def _ask(self, path: Path, *, moves: bool) -> Ask:
        transaction = self._new_transaction(self._ufrag)
        self._asked[transaction] = path, moves
        while len(self._asked) > _ASKED:
            del self._asked[next(iter(self._asked))]
        username, password = self._peer_username, self._peer_password
        return Ask(stun.question(transaction, username, password), path)

    def _answered(self, now: float, event: CheckReceived) -> list[IceOutput]:
        """The peer is where we asked: it consents, or it is where a nominated check came from."""
        message = event.message
        path, moves = self._asked.get(message.transaction, (None, False))
        if path is None or path != event.path or not message.authentic(self._peer_password):
            return [Dropped("stun_unexpected")]
        if moves:
            self._asked.clear()
            return self._select(path)
        del self._asked[message.transaction]
        self.last_check = now
        return self._heard(now)

    def _select(self, path: Path) -> list[IceOutput]:
        if self.selected == path:
            return []
        self.selected = path
        return [Selected(path)]

    def _learn(self, now: float, path: Path) -> list[IceOutput]:
        self._paths.pop(path, None)
        self._paths[path] = now
        outputs: list[IceOutput] = [PathAdded(path)]
        if len(self._paths) > MAX_PATHS:
            oldest = next(one for one in self._paths if one not in (self.selected, path))
            del self._paths[oldest]
            outputs.append(PathDropped(oldest))
        return outputs

    def _closed(self, path: Path) -> list[IceOutput]:
        """The next check selects anew: the peer knows best which of its other paths works."""
        self._paths.pop(path, None)
        if self.selected != path:
            return []
        self.selected = None
        return [Unselected()]

    def _heard(self, now: float) -> list[IceOutput]:
        self._last_heard = max(self._last_heard, now)
        if self.state == "alive" or self.last_check is None:
            return []
        self.state = "alive"
        return [StateChanged("alive")]

    def _tick(self, now: float) -> list[IceOutput]:
        if now >= self._expiry():
            reason = "never_checked" if self.last_check is None else "consent_expired"
            self.state = "closed"
            return [StateChanged("closed", reason)]
        outputs: list[IceOutput] = []
        if self.state == "alive" and now >= self._last_heard + LOST_AFTER_S:
            self.state = "lost"
            outputs.append(StateChanged("lost", "silent"))
        asks_at = math.inf if self.last_check is None else self.last_check + ASK_AFTER_S
        if self.selected is not None and now >= asks_at:
            outputs.append(self._ask(self.selected, moves=False))
        return outputs

    def _allowed(self, now: float) -> bool:
        """A token bucket, so that one peer cannot keep the process busy with answers."""
        self._tokens += (now - self._tokens_at) * CHECKS_PER_S
        self._tokens = min(self._tokens, CHECKS_BURST)
        self._tokens_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
