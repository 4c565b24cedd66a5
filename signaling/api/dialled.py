"""A link that another process dials: it proves itself, says hello, and talks until it ends.

Bridge nodes and media workers alike; what they say is the business of `control` and `worker`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from aiohttp import WSMsgType, web
from structlog.typing import FilteringBoundLogger

from signaling.api.services import require_token, services
from signaling.wire.codec import MAX_CONTROL_FRAME
from signaling.wire.errors import ERRORS, WireError
from signaling.wire.pages import HELLO_TIMEOUT_S

PING_S = 5.0

H = TypeVar("H")
M = TypeVar("M")


class Dialled(Generic[M]):
    """The socket of such a link, whose frames are read by `decode`."""

    def __init__(self, ws: web.WebSocketResponse, decode: Callable[[str], M]) -> None:
        self._ws = ws
        self._decode = decode
        self.send = ws.send_str

    async def close(self, code: str) -> None:
        """Close it for the reason that `code` names."""
        await self._ws.close(code=ERRORS[code].close or 1011, message=code.encode())

    async def hello(self, kind: type[H]) -> H | None:
        """The first message; None if there was none. Raises WireError ``hello_expected``."""
        try:
            message = await self._next(HELLO_TIMEOUT_S)
        except TimeoutError:
            raise WireError("hello_expected") from None
        if message is not None and not isinstance(message, kind):
            raise WireError("hello_expected", f"the first frame was {type(message).__name__}")
        return message

    async def next(self) -> M | None:
        """The next message; None at the end. Raises WireError ``binary_frame``, or of `decode`."""
        return await self._next(None)

    async def _next(self, timeout_s: float | None) -> M | None:
        frame = await self._ws.receive(timeout=timeout_s)
        if frame.type is WSMsgType.BINARY:
            raise WireError("binary_frame")
        return self._decode(frame.data) if frame.type is WSMsgType.TEXT else None


async def serve(
    request: web.Request,
    tokens: Sequence[str],
    decode: Callable[[str], M],
    talk: Callable[[Dialled[M]], Awaitable[None]],
    log: FilteringBoundLogger,
) -> web.StreamResponse:
    """Let in who has one of `tokens`, and `talk` until the link ends.

    Raises WireError ``unauthenticated`` and ``shutting_down``; what `talk` raises closes the link.
    """
    require_token(request, tokens)
    if services(request).draining:
        raise WireError("shutting_down")
    ws = web.WebSocketResponse(
        heartbeat=PING_S, compress=False, max_msg_size=MAX_CONTROL_FRAME, timeout=2.0
    )
    await ws.prepare(request)
    link = Dialled(ws, decode)
    try:
        await talk(link)
    except WireError as error:
        log.warning("link closed", code=error.code, reason=error.problem.detail)
        await link.close(error.code)
    return ws
