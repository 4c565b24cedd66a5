"""Who is who: the sessions of a node, by their id, by ICE fragment, and by what they publish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge import stun
from bridge.publishing import Publisher
from bridge.rounds import Rounds
from bridge.session import Session
from signaling.wire.ids import Scope, SessionId


class Register:
    """All sessions that are not closed; `rounds` says whose turn it is."""

    def __init__(self) -> None:
        self.rounds = Rounds[Session]()
        self._sessions: dict[SessionId, Session] = {}
        self._by_ufrag: dict[str, Session] = {}
        self._by_ssrc: dict[bytes, tuple[Publisher, ...]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        """In the order of their coming; whoever iterates may close them."""
        return iter(list(self._sessions.values()))

    def get(self, session: SessionId) -> Session | None:
        """The session of this id."""
        return self._sessions.get(session)

    def add(self, session: Session) -> None:
        """A session begins."""
        self._sessions[session.identity.session] = session
        self.rounds.add(session.identity.serial, session)

    def remove(self, session: Session) -> bool:
        """It is over; returns whether that is news."""
        if self._sessions.pop(session.identity.session, None) is None:
            return False
        self.rounds.remove(session.identity.serial)
        for ufrag in session.ufrags:
            self._by_ufrag.pop(ufrag, None)
        return True

    def has(self, scope: Scope) -> bool:
        """Whether anybody of this scope is here."""
        return any(one.identity.scope == scope for one in self._sessions.values())

    def replaced_by(self, session: Session) -> list[Session]:
        """Who goes now that this one is connected: of a port and direction the newest connected
        session stays, so it may be this one itself. Those that share the port are no part of
        it."""
        mine = session.identity
        gone: list[Session] = []
        if mine.shared:
            return gone
        for other in self._sessions.values():
            one = other.identity
            if (one.scope, one.port, one.direction) != (mine.scope, mine.port, mine.direction):
                continue
            if one.shared:
                continue
            if one.serial < mine.serial:
                gone.append(other)
            elif one.serial > mine.serial and other.state in ("connected", "lost"):
                return [*gone, session]
        return gone

    # --- ICE ----------------------------------------------------------------------------------

    def expect(self, session: Session, former: Sequence[str] = ()) -> None:
        """Checks under the session's newest fragment are its own; those under `former` ones that it
        has given up are nobody's."""
        for ufrag in set(former) - set(session.ufrags):
            self._by_ufrag.pop(ufrag, None)
        self._by_ufrag[session.etag] = session

    def checked(self, message: stun.Message) -> Session | None:
        """Whose check this is, or whose check it answers."""
        answer = message.kind == stun.BINDING_SUCCESS
        ufrag = message.transaction[:6].hex() if answer else message.ufrag
        return self._by_ufrag.get(ufrag)

    # --- SSRCs --------------------------------------------------------------------------------

    def bind(self, publisher: Publisher, ssrc: bytes, bound: bool) -> None:
        """A publisher took an SSRC, or gave it up."""
        others = tuple(one for one in self._by_ssrc.pop(ssrc, ()) if one is not publisher)
        holders = (*others, publisher) if bound else others
        if holders:
            self._by_ssrc[ssrc] = holders

    def holders(self, ssrc: bytes) -> tuple[Publisher, ...]:
        """Who publishes under this SSRC: equal ones in several sessions are legal."""
        return self._by_ssrc.get(ssrc, ())
