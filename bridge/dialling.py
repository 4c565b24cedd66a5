"""Keeps one WebSocket to signaling up: dials for ever, and logs only the edges."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

from structlog.typing import FilteringBoundLogger
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
)

from bridge.link import ControlLink, Dial, Ended, LinkEvent, Opened, Tick, WentDown, WentUp
from signaling.wire.codec import MAX_CONTROL_FRAME

OPEN_TIMEOUT_S = 5.0
PING_INTERVAL_S = 2.0
PING_TIMEOUT_S = 6.0
_REFUSALS = (401, 403, 4401, 4403)


class Dialling:
    """One link that is wanted for as long as the process lives.

    Args:
        uri: what to dial, as `socket_uri` makes it.
        token: sent as ``Authorization: Bearer``.
        talk: says hello and serves the socket until it ends; what the socket raises is no error.
        log: gets one line for each edge.
        what: what these lines call the link.
        if_refused: the next step for whoever reads that our token is refused.
        meanwhile: what this process does without the link.
    """

    def __init__(
        self,
        uri: str,
        token: str,
        talk: Callable[[ClientConnection], Awaitable[None]],
        log: FilteringBoundLogger,
        what: str,
        *,
        if_refused: str,
        meanwhile: str,
    ) -> None:
        self._uri = uri
        self._headers = {"Authorization": f"Bearer {token}"}
        self._talk = talk
        self._log = log
        self._what = what
        self._if_refused, self._meanwhile = if_refused, meanwhile
        self._has_been_up = False
        self._loop = asyncio.get_running_loop()
        self._link = ControlLink(self._loop.time())

    async def run(self) -> NoReturn:
        """Dial and serve for ever; only cancelling ends it."""
        while True:
            if Dial() in self._feed(Tick()):
                await self._serve()
            deadline = self._link.next_deadline()
            if deadline is not None:
                await asyncio.sleep(max(0.0, deadline - self._loop.time()))

    def _feed(self, event: LinkEvent) -> list[object]:
        outputs = self._link.handle(self._loop.time(), event)
        for output in outputs:
            match output:
                case WentUp(down_s):
                    self._has_been_up = True
                    self._log.info(f"{self._what} up", signaling=self._uri, down_s=round(down_s, 1))
                case WentDown(reason, refused):
                    step = self._if_refused if refused else self._meanwhile
                    # beside `up`, we are there before signaling listens: nothing is wrong yet
                    expected = not (self._has_been_up or refused)
                    say = self._log.info if expected else self._log.warning
                    say(f"{self._what} down", signaling=self._uri, reason=reason, next_step=step)
                case _:
                    pass
        return list(outputs)

    async def _serve(self) -> None:
        """One link from dialling to its end; only cancelling raises."""
        try:
            async with connect(
                self._uri,
                additional_headers=self._headers,
                compression=None,
                max_size=MAX_CONTROL_FRAME,
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=1.0,
                ping_interval=PING_INTERVAL_S,
                ping_timeout=PING_TIMEOUT_S,
                proxy=None,
            ) as socket:
                self._feed(Opened())
                await self._talk(socket)
            ended = Ended("closed")
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd is not None else 1006
            ended = Ended(str(error), code in _REFUSALS)
        except InvalidStatus as error:
            status = error.response.status_code
            ended = Ended(f"answered {status}", status in _REFUSALS)
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI, EOFError) as error:
            ended = Ended(f"{type(error).__name__}: {error}")
        self._feed(ended)


def socket_uri(signaling_url: str, path: str) -> str:
    """``ws(s)://host:port/path`` of a base URL. Raises ValueError for another scheme."""
    scheme, separator, rest = signaling_url.rstrip("/").partition("://")
    schemes = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
    if not separator or scheme not in schemes or not rest:
        raise ValueError(f"signaling URL {signaling_url!r}: http, https, ws or wss is expected")
    return f"{schemes[scheme]}://{rest}{path}"
