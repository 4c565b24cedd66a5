"""What tests of the shell stand on: a server, and ways to get pages and nodes into it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from signaling.clock import Clock
from signaling.conference.state import Conference
from signaling.options import Options
from signaling.server import Server
from signaling.wire.ids import ConferenceId, Role
from signaling.wire.samples import NodeHeard
from tests.fakes.bridge_node import FakeNode
from tests.fakes.page import Page

NODE_TOKEN = "node-token-of-the-tests-0123456789"


@dataclass
class Stage:
    """A running server and its first conference."""

    server: Server
    options: Options
    conference: ConferenceId
    stack: contextlib.AsyncExitStack

    @classmethod
    async def start(cls, options: Options, clock: Clock, stack: contextlib.AsyncExitStack) -> Stage:
        """Start the server; `stack` stops it."""
        server = Server(options, clock)
        await server.start()
        stack.push_async_callback(server.stop)
        return cls(server, options, server.conferences()[0].conference, stack)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.server.local_url

    @property
    def state(self) -> Conference:
        """The first conference."""
        return self.server.services.conferences.get(self.conference).current()

    async def page(self, page_id: str | None = None) -> Page:
        """A page that has not come in yet."""
        return await self.stack.enter_async_context(Page(self.url, page_id))

    async def signed_in(self, role: Role = "operator", page_id: str | None = None) -> Page:
        """A page with a sign-in."""
        page = await self.page(page_id)
        async with await page.sign_in(await self.server.mint_sign_in(role)) as response:
            assert response.status == 200
        page.socket_path = f"/api/conferences/{self.conference}/socket"
        return page

    async def window(self, role: Role = "operator", page_id: str | None = None) -> Page:
        """A connected operator or technician page."""
        return await (await self.signed_in(role, page_id)).connect()

    async def link(self, site: str) -> str:
        """A site's link."""
        links = await self.server.site_links(self.conference)
        return next(link.url for link in links if link.site == site)

    async def device(self, site: str) -> Page:
        """A page that has exchanged its link."""
        page = await self.page()
        async with await page.exchange(await self.link(site)) as response:
            assert response.status == 200
        return page

    async def site(self, site: str) -> Page:
        """A connected site page."""
        return await (await self.device(site)).connect()

    async def node(self, node: FakeNode | None = None) -> FakeNode:
        """A connected bridge node, known to the server."""
        node = node or FakeNode()
        await node.connect(self.url, NODE_TOKEN)
        self.stack.push_async_callback(node.disconnect)
        # its report comes after its hello on the same link
        with self.server.bus.subscribe(NodeHeard) as heard:
            await node.report()
            await heard.get()
        return node
