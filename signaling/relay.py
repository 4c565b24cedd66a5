"""Credentials of the TURN server, each for one port and a limited time.

As coturn's ``use-auth-secret`` reads them (draft-uberti-behave-turn-rest §2.2): whoever has the
secret can make them, so the server needs no list of users, and a credential that leaks ends by
itself.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field

from signaling.wire.ids import ConferenceId, Port
from signaling.wire.pages import IceServer


@dataclass(frozen=True, slots=True)
class Relay:
    """One TURN server. `urls` as RFC 7065 has them: UDP, TCP and TLS may be different ones.

    `lifetime_s`: a page asks for no new credential while its socket is up, so it should outlast a
    working day. Relaying that has begun goes on after it.
    """

    urls: tuple[str, ...]
    secret: str = field(repr=False)
    lifetime_s: float

    def server(self, conference: ConferenceId, port: Port, now: float) -> IceServer:
        """For one session or page; `now` is Unix time. Not to be logged."""
        username = f"{int(now + self.lifetime_s)}:{conference}/{port}"
        digest = hmac.digest(self.secret.encode(), username.encode(), "sha1")
        return IceServer(list(self.urls), username, base64.b64encode(digest).decode())
