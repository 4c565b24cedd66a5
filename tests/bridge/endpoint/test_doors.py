"""Links are taken apart, requests carry what they must, refusals keep their code."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from bridge.endpoint import doors
from signaling.wire.codec import decode_body, encode
from signaling.wire.errors import Problem
from signaling.wire.ids import ConferenceId, SiteCode, parse_slots
from signaling.wire.rest import LinkExchange, Seated

SEATED = Seated(ConferenceId("c1"), "Hội nghị", SiteCode("48"), "Đà Nẵng", "Sở KH&CN")


class Service:
    """Just enough of the doors: remembers what came, answers 201 or a problem."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, str, dict[str, str]]] = []
        self.problem: tuple[int, bytes] | None = None
        self.cookies: list[str] = []

    async def handle(self, request: web.Request) -> web.Response:
        text = await request.text()
        self.requests.append((request.method, request.path_qs, text, dict(request.headers)))
        self.cookies.append(request.cookies.get("diemcau_device", ""))
        if self.problem is not None:
            return web.Response(status=self.problem[0], body=self.problem[1])
        if request.path.endswith("/exchange"):
            token = decode_body(text, LinkExchange).token
            response = web.Response(text=encode(SEATED))
            response.set_cookie("diemcau_device", f"of-{token}", path="/c/c1/s/48/")
            return response
        if request.method == "POST":
            headers = {"Location": "/whip/n1/s1", "ETag": '"1"'}
            return web.Response(status=201, text="v=0 answer", headers=headers)
        return web.Response()


@pytest.fixture
async def service() -> Service:
    return Service()


@pytest.fixture
async def base(service: Service) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", service.handle)
    server = TestServer(app)
    await server.start_server()
    yield str(server.make_url("")).rstrip("/")
    await server.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with doors.session() as session:
        yield session


def test_read_link_takes_it_apart() -> None:
    link = doors.read_link("https://hop.gov.vn:8443/c/ab12/s/48/#t=eyJ.x_-9.z")
    assert link == ("https://hop.gov.vn:8443", "ab12", "48", "eyJ.x_-9.z")
    assert link.socket == "https://hop.gov.vn:8443/c/ab12/s/48/socket"


def test_read_link_keeps_a_prefix_of_the_path() -> None:
    assert doors.read_link("http://h/hop/c/a/s/1/#t=x").page == "http://h/hop/c/a/s/1/"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "48",
        "ftp://h/c/a/s/1/#t=x",
        "http:///c/a/s/1/#t=x",
        "http://h/c/a/s/1/",
        "http://h/c/a/x/1/#t=x",
        "http://h/operator/#t=x",
        "http://h/c/a/s/1/#t=x&t=y",
        "http://[h/c/a/s/1/#t=x",
    ],
)
def test_read_link_refuses_what_is_none(url: str) -> None:
    with pytest.raises(doors.LinkError):
        doors.read_link(url)


@given(st.text(max_size=60))
def test_read_link_raises_nothing_else(text: str) -> None:
    try:
        doors.read_link(text)
    except doors.LinkError:
        return


async def test_exchange_sends_token_and_keeps_cookie_for_that_page_only(
    service: Service, base: str, http: aiohttp.ClientSession
) -> None:
    link = doors.read_link(f"{base}/c/c1/s/48/#t=abc")
    assert await doors.exchange(http, link) == SEATED
    await doors.call(http, "GET", f"{link.page}exchange-again/exchange", Seated, LinkExchange("x"))
    service.requests.clear()
    await doors.Resource(http, f"{base}/whip", "tok")("v=0 offer")
    assert service.cookies == ["", "of-abc", ""]


async def test_resource_posts_offer_and_deletes_what_it_made(
    service: Service, base: str, http: aiohttp.ClientSession
) -> None:
    resource = doors.Resource(http, f"{base}/whep", "tok", tuple(parse_slots("stage:4,floor:2")))
    assert await resource("v=0 offer") == "v=0 answer"
    assert resource.location == f"{base}/whip/n1/s1"
    await resource.delete()
    await resource.delete()
    (post, path, body, headers), (delete, location, _, after) = service.requests
    assert (post, path, body) == ("POST", "/whep?slots=stage:4,floor:2", "v=0 offer")
    assert headers["Content-Type"] == "application/sdp"
    assert (delete, location) == ("DELETE", "/whip/n1/s1")
    assert headers["Authorization"] == after["Authorization"] == "Bearer tok"


async def test_resource_gone_already_counts_as_ended(
    service: Service, base: str, http: aiohttp.ClientSession
) -> None:
    resource = doors.Resource(http, f"{base}/whip", "tok")
    await resource("v=0 offer")
    service.problem = (404, encode(Problem("not_found")).encode())
    await resource.delete()
    assert resource.location is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (encode(Problem("seat_taken", "another")).encode(), "seat_taken"),
        (b"<h1>Bad Gateway</h1>", "internal"),
    ],
)
async def test_refusals_carry_status_and_code(
    service: Service, base: str, http: aiohttp.ClientSession, body: bytes, code: str
) -> None:
    service.problem = (409, body)
    with pytest.raises(doors.RefusedError) as exchange:
        await doors.exchange(http, doors.read_link(f"{base}/c/c1/s/48/#t=abc"))
    with pytest.raises(doors.RefusedError) as post:
        await doors.Resource(http, f"{base}/whip", "tok")("v=0")
    for raised in (exchange.value, post.value):
        assert (raised.status, raised.code) == (409, code)
