"""The plain values that one service is composed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from signaling.conferences import ConferenceTemplate
from signaling.mixes import MOST
from signaling.nodelink import REPLY_TIMEOUT_S
from signaling.presence import SILENCE_S
from signaling.reconciler import SETTLE_S, WINDOW_GRACE_S
from signaling.relay import Relay
from signaling.socket import SocketTimings

PAGES = Path(__file__).parent / "pages"
TICK_S = 1.0


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds; the defaults are the documented ones, tests shorten them."""

    tick_s: float = TICK_S
    silence_s: float = SILENCE_S
    settle_s: float = SETTLE_S
    window_grace_s: float = WINDOW_GRACE_S
    reply_timeout_s: float = REPLY_TIMEOUT_S
    pages: SocketTimings = field(default_factory=SocketTimings)
    sites: SocketTimings = field(default_factory=lambda: SocketTimings(silence_s=SILENCE_S))


@dataclass(frozen=True, slots=True)
class Options:
    """Plain values of one service.

    `public_url` is the address in links (scheme, host, port), this machine's when None. Port 0
    takes a free one. `default_template` founds the first conference of a new data directory.
    `password_memory_kib` is what one check of a password costs (RFC 9106 §4).
    `links_problem` says why links would not work for those who get them; none is shown then.
    `relay` is for those whose network lets no UDP out.
    `trusted_proxies`: addresses or networks whose ``X-Forwarded-For`` counts.
    `recordings_dir`: where the media worker stores; None is ``recordings`` in `data_dir`.
    `max_mixes`: to how many sites of a conference it gives a mix of their own.
    """

    data_dir: Path
    node_tokens: tuple[str, ...]
    templates: Mapping[str, ConferenceTemplate]
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str | None = None
    default_template: str | None = None
    relay: Relay | None = None
    links_problem: str | None = None
    password_memory_kib: int = 65_536
    trusted_proxies: tuple[str, ...] = ()
    worker_tokens: tuple[str, ...] = ()
    recordings_dir: Path | None = None
    max_mixes: int = MOST
    pages_dir: Path = PAGES
    timings: Timings = field(default_factory=Timings)
