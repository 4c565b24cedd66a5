"""Whether the TURN server gives a relay for our credentials, and lets it reach the bridge."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from urllib.parse import unquote

from aioice import stun, turn

from cli.checks import Finding
from cli.signaling import relay
from config.settings import Settings
from signaling.relay import Relay
from signaling.wire.ids import ConferenceId, Port

TIMEOUT_S = 5.0
REFUSAL_S = 1.0
"""A server that does not let something through says so in a round trip, else it says nothing."""


async def check_turn(
    settings: Settings, trusted: ssl.SSLContext | None = None
) -> AsyncIterator[Finding]:
    """One finding for each of `signaling.turn_urls`, as a browser would use it.

    `trusted` judges certificates instead of this machine's own list.
    """
    server = relay(settings)
    if server is None:
        return
    for url in server.urls:
        yield await _check(url, server, settings, trusted or ssl.create_default_context())


async def _check(url: str, server: Relay, settings: Settings, trusted: ssl.SSLContext) -> Finding:
    told = server.server(ConferenceId("doctor"), Port("doctor"), time.time())
    scheme, host, port, transport = _parts(url)
    answers = _Answers()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            relayed, _ = await turn.create_turn_endpoint(
                lambda: answers,
                (host, port),
                told.username,
                told.credential,
                ssl=trusted if scheme == "turns" else False,
                transport=transport,
            )
    except TimeoutError:
        advice = f"is coturn running, and does every firewall let {transport.upper()} {port} in?"
        return Finding("fail", f"{url} does not answer", advice)
    except stun.TransactionFailed as error:
        code = error.response.error_code
        advice = "turn_secret must be coturn's static-auth-secret, and both clocks must be right"
        return Finding(
            "fail",
            f"{url} refuses our credentials ({code})",
            advice if code == 401 else "see its log",
        )
    except ssl.SSLCertVerificationError as error:
        advice = "browsers refuse it too: give coturn a certificate for this name (cert, pkey)"
        return Finding("fail", f"{url}: {error.verify_message}", advice)
    except (OSError, stun.TransactionError) as error:
        advice = "is coturn running, and is this its name and port?"
        return Finding("fail", f"{url}: {error}", advice)
    try:
        return await _reaches(url, relayed, answers, settings)
    finally:
        relayed.close()
        await answers.closed.wait()


async def _reaches(
    url: str, relayed: turn.TurnTransport, answers: _Answers, settings: Settings
) -> Finding:
    """The relay may send to each address that the bridge announces, in its own family."""
    own = relayed.get_extra_info("sockname")[0]
    for address in settings.bridge.announced:
        if (":" in address) != (":" in own):
            continue
        relayed.sendto(b"", (address, settings.bridge.media_port))
        try:
            async with asyncio.timeout(REFUSAL_S):
                refused = await answers.errors.get()
        except TimeoutError:
            continue
        advice = f"write allowed-peer-ip={address} into coturn's configuration"
        return Finding("fail", f"{url} does not relay to {address}: {refused}", advice)
    return Finding("ok", f"{url} relays from {own}")


class _Answers(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.errors: asyncio.Queue[Exception] = asyncio.Queue()
        self.closed = asyncio.Event()

    def error_received(self, error: Exception) -> None:
        self.errors.put_nowait(error)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed.set()


def _parts(url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and transport of a URL that `config.settings` has judged (RFC 7065)."""
    scheme, _, rest = url.partition(":")
    place, _, query = rest.partition("?transport=")
    host, _, port = place.rpartition(":") if _has_port(place) else (place, "", "")
    default = 5349 if scheme == "turns" else 3478
    transport = query or ("tcp" if scheme == "turns" else "udp")
    return scheme, unquote(host).strip("[]"), int(port or default), transport


def _has_port(place: str) -> bool:
    return ":" in place.rpartition("]")[2]
