"""How an endpoint without a browser comes in, over HTTP: link, exchange, WHIP and WHEP."""

from __future__ import annotations

from typing import NamedTuple, TypeVar
from urllib.parse import parse_qs, urljoin, urlsplit

import aiohttp
import msgspec

from signaling.wire.codec import MAX_CONTROL_FRAME, decode_body, encode_bytes
from signaling.wire.errors import Problem, WireError
from signaling.wire.ids import ConferenceId, SiteCode, SlotName, slot_kind
from signaling.wire.rest import LinkExchange, Seated

T = TypeVar("T")

REQUEST_S = 20.0


class LinkError(ValueError):
    """Not a site's link; the text says what is missing."""


class RefusedError(Exception):
    """The service refused a request: HTTP `status`, and a `code` of `signaling.wire.errors`."""

    def __init__(self, what: str, status: int, problem: Problem) -> None:
        super().__init__(f"{what}: {status} {problem.code}: {problem.detail}")
        self.status, self.code, self.detail = status, problem.code, problem.detail


class Link(NamedTuple):
    """A site's personal link, taken apart."""

    base: str
    conference: ConferenceId
    site: SiteCode
    token: str

    @property
    def page(self) -> str:
        """The site page's address, under which its cookie is valid."""
        return f"{self.base}/c/{self.conference}/s/{self.site}/"

    @property
    def socket(self) -> str:
        """The page socket's address."""
        return f"{self.page}socket"


def read_link(url: str) -> Link:
    """Take ``http://host/c/{conference}/s/{site}/#t={token}`` apart.

    Raises:
        LinkError: it is none.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError as error:
        raise LinkError(f"not a link: {error}") from None
    path = parts.path.strip("/").split("/")
    tokens = parse_qs(parts.fragment).get("t", [])
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise LinkError("a link begins with http:// or https:// and a host")
    if len(path) < 4 or path[-4] != "c" or path[-2] != "s":
        raise LinkError("a link has a path like /c/{conference}/s/{site}/")
    if len(tokens) != 1:
        raise LinkError("a link ends with #t= and its token")
    prefix = "".join(f"/{part}" for part in path[:-4])
    base = f"{parts.scheme}://{parts.netloc}{prefix}"
    return Link(base, ConferenceId(path[-3]), SiteCode(path[-1]), tokens[0])


def session(cookies: aiohttp.abc.AbstractCookieJar | None = None) -> aiohttp.ClientSession:
    """An HTTP session with its own cookies (or these, of an earlier one), as one browser profile
    has them; close it after use."""
    return aiohttp.ClientSession(
        # unsafe: cookies also from hosts without a name
        cookie_jar=aiohttp.CookieJar(unsafe=True) if cookies is None else cookies,
        timeout=aiohttp.ClientTimeout(total=REQUEST_S),
        connector=aiohttp.TCPConnector(limit=0),
    )


async def call(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    kind: type[T],
    body: msgspec.Struct | None = None,
) -> T:
    """A REST request whose answer is JSON of this kind.

    Raises:
        RefusedError: a status of 400 or more.
        WireError: ``bad_json`` or ``bad_message``, an answer that is not of this protocol.
        aiohttp.ClientError, TimeoutError: nobody answered.
    """
    data = None if body is None else encode_bytes(body)
    headers = {"Content-Type": "application/json"} if data is not None else {}
    async with http.request(method, url, data=data, headers=headers) as response:
        text = await response.read()
        if response.status >= 400:
            raise refused(f"{method} {urlsplit(url).path}", response.status, text)
        return decode_body(text, kind, MAX_CONTROL_FRAME)


def refused(what: str, status: int, body: bytes) -> RefusedError:
    """The error of a reply with this status and body, whether it is a problem+json or not."""
    try:
        problem = decode_body(body, Problem, MAX_CONTROL_FRAME)
    except WireError:
        problem = Problem("internal", body[:200].decode("utf-8", "replace"))
    return RefusedError(what, status, problem)


async def exchange(http: aiohttp.ClientSession, link: Link) -> Seated:
    """Turn the link into this session's device cookie. Raises as `call`."""
    return await call(http, "POST", f"{link.page}exchange", Seated, LinkExchange(link.token))


class Resource:
    """One WHIP or WHEP session as a resource: POST makes it, DELETE ends it.

    Its `__call__` is what `Player.open` and `Watcher.open` take as a door.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        token: str,
        slots: tuple[SlotName, ...] = (),
    ) -> None:
        self._http = http
        self._url = f"{url}?slots={slots_parameter(slots)}" if slots else url
        self._headers = {"Authorization": f"Bearer {token}"}
        self.location: str | None = None

    async def __call__(self, offer: str) -> str:
        """POST the offer and return the answer. Raises as `call`, but WireError."""
        headers = self._headers | {"Content-Type": "application/sdp"}
        async with self._http.post(self._url, data=offer.encode(), headers=headers) as response:
            text = await response.read()
            if response.status != 201:
                raise refused(f"POST {urlsplit(self._url).path}", response.status, text)
            location = response.headers.get("Location", "")
            self.location = urljoin(str(response.url), location) if location else None
            return text.decode("utf-8", "replace")

    async def delete(self) -> None:
        """End the session; nothing happens if there is none. Raises as `call`, but WireError.

        A resource that is gone already (404) is ended too.
        """
        if self.location is None:
            return
        async with self._http.delete(self.location, headers=self._headers) as response:
            text = await response.read()
            if response.status >= 400 and response.status != 404:
                raise refused("DELETE of a session", response.status, text)
        self.location = None


def slots_parameter(slots: tuple[SlotName, ...]) -> str:
    """``stage:4,floor:4`` for slots in the order that `ids.parse_slots` gives."""
    counts: dict[str, int] = {}
    for slot in slots:
        counts[slot_kind(slot)] = counts.get(slot_kind(slot), 0) + 1
    return ",".join(f"{kind}:{count}" for kind, count in counts.items())
