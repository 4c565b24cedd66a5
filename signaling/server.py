"""Composes the control plane from plain values, and runs it.

`Server` opens the data directory, becomes the owner of its conferences, and listens. Whoever
starts it (`cli`) gives it templates and node tokens, and may attach a monitor to `bus` and
`registry` before `start`.
"""

from __future__ import annotations

import asyncio
import socket
from importlib.metadata import version

import structlog
from aiohttp import web
from argon2 import PasswordHasher
from prometheus_client import CollectorRegistry

from signaling import limits
from signaling.accounts import Accounts
from signaling.addresses import networks
from signaling.api import doors, logs, problems, security
from signaling.api.services import SERVICES, HistoryOf, Services, counted
from signaling.api.table import add_routes
from signaling.bus import Bus, Subscription
from signaling.clock import Clock, SystemClock
from signaling.conference.commands import SYSTEM
from signaling.conference.state import Conference
from signaling.conferences import Conferences
from signaling.database import Database
from signaling.health import Health
from signaling.hub import Hub
from signaling.journal import Journal
from signaling.keys import load_keys
from signaling.links import Links
from signaling.lockout import LockOut
from signaling.metrics import ServiceMetrics
from signaling.mixwatch import MixWatch
from signaling.nodes import Listeners, Nodes
from signaling.options import Options
from signaling.passwords import Passwords
from signaling.reconciler import Reconciler
from signaling.relaying import Trunks
from signaling.sampler import Sampler
from signaling.sessions import Session
from signaling.socket import PageSocket
from signaling.wire.codec import MAX_OFFER
from signaling.wire.control import Stats
from signaling.wire.ids import (
    AccountName,
    ConferenceId,
    NodeId,
    ProgramCodec,
    Role,
    Scope,
    SiteCode,
)
from signaling.wire.pages import Doors
from signaling.wire.rest import SiteHistory, SiteLink
from signaling.wire.samples import HealthReport
from signaling.workers import Workers

log = structlog.get_logger("signaling.server")


class Server:
    """The control plane as one process runs it."""

    def __init__(
        self,
        options: Options,
        clock: Clock | None = None,
        history: HistoryOf | None = None,
    ) -> None:
        self.bus = Bus()
        self.registry = CollectorRegistry()
        self._options = options
        self._clock = clock or SystemClock()
        self._history = history or _no_history
        self._services: Services | None = None
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._url = ""
        self._local_url = ""
        self._started_at = self._clock.monotonic()

    @property
    def url(self) -> str:
        """The address in links, without a slash at its end; known after `start`."""
        return self._url

    @property
    def local_url(self) -> str:
        """The address that it listens on; known after `start`."""
        return self._local_url

    @property
    def services(self) -> Services:
        """What is behind the routes; there after `start`."""
        assert self._services is not None, "the server is not started"
        return self._services

    async def start(self) -> None:
        """Listen. When this returns, the service answers.

        Raises:
            DataDirectoryInUseError: another process owns the data directory.
            OSError: the address cannot be listened on.
        """
        listener = _listen(self._options.host, self._options.port)
        port = listener.getsockname()[1]
        self._local_url = f"http://{_in_url(self._options.host)}:{port}"
        self._url = (self._options.public_url or self._local_url).rstrip("/")
        try:
            database = await Database.open(self._options.data_dir)
        except BaseException:
            listener.close()
            raise
        try:
            await self._compose(database)
            await self._listen(listener)
        except BaseException:
            listener.close()
            if self._services is None:
                await database.close()
            await self.stop()
            raise
        log.info("signaling started", url=self._url, conferences=len(self._all()))

    async def stop(self) -> None:
        """Tell every page to come back, finish what is being written, close the database."""
        services = self._services
        if services is None or services.draining:
            return
        services.draining = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await services.hub.stop()
        await self._trunks.stop()
        for link in services.nodes.links:
            await link.close("shutting_down")
        await services.workers.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        await services.conferences.stop()
        self.bus.close()
        services.passwords.close()
        await services.database.close()
        log.info("signaling stopped")

    async def mint_sign_in(self, role: Role) -> str:
        """The URL of a one-time sign-in of `role`; it holds for half an hour."""
        code = await self.services.accounts.mint_code(AccountName(role), role, self._clock.wall())
        return f"{self._url}/sign-in#code={code}"

    async def site_links(self, conference: ConferenceId) -> list[SiteLink]:
        """Every site's link, in protocol order. Raises WireError ``not_found``."""
        state = self.services.conferences.get(conference).current()
        return await self.services.links.of(state, self._clock.wall())

    def conferences(self) -> list[Conference]:
        """The state of every conference, oldest first."""
        return self._all()

    def _all(self) -> list[Conference]:
        return [owner.current() for owner in self.services.conferences.all()]

    async def _compose(self, database: Database) -> None:
        timings, clock = self._options.timings, self._clock
        ring = await load_keys(database, clock.wall())
        conferences = Conferences(
            Journal(database), clock, self._changed, silence_s=timings.silence_s
        )

        def reported(node: NodeId, stats: Stats) -> None:
            sampler.stats(node, stats)
            hub.thin(stats)

        nodes = Nodes(
            Listeners(
                session_closed=lambda session, reason: self._session_closed(session, reason),
                sessions_changed=self._sessions_changed,
                node_ready=self._node_ready,
                node_gone=lambda node: sampler.node_gone(node),
                stats=reported,
                layers_wanted=lambda wanted: hub.layers_wanted(wanted),
            ),
            timings.reply_timeout_s,
        )
        mixes = MixWatch(conferences, nodes, clock, self._options.max_mixes)
        metrics = ServiceMetrics(
            self.registry,
            version("diemcau"),
            conferences,
            nodes,
            pages=lambda: hub.connected_by_role(),
            bus=self.bus,
            mixes=mixes,
            workers=lambda: self._workers.links,
        )
        hub = Hub(
            self.bus,
            clock,
            self._doors,
            lambda conference, _port: reconciler.refresh(conference),
            layers_of=lambda conference, port: nodes.layers.of(Scope(conference), port),
            joins=lambda page: counted(
                metrics.joins, "seat" if page.actor.role == "site" else "page"
            ),
            mixes_of=mixes.figures,
        )
        self._trunks = Trunks(nodes, clock, self._codec_of)
        reconciler = Reconciler(
            conferences,
            nodes,
            hub.wishes,
            clock,
            self._trunks,
            mixes,
            settle_s=timings.settle_s,
            window_grace_s=timings.window_grace_s,
        )
        sampler = Sampler(
            *(self.bus, clock, conferences, nodes.all_sessions),
            heard=hub.microphone_heard,
            shares=hub.encoder_shares,
        )
        self._hub, self._reconciler, self._sampler = hub, reconciler, sampler
        self._workers = Workers(
            *(conferences, ring, clock, self.bus, nodes, mixes), settle_s=timings.settle_s
        )
        self._metrics = metrics
        self._health = Health(
            version("diemcau"), clock, database, conferences, nodes, hub, self.bus, metrics, mixes
        )
        self._services = Services(
            clock=clock,
            database=database,
            accounts=Accounts(database),
            links=Links(database, ring, self._url),
            ring=ring,
            conferences=conferences,
            nodes=nodes,
            hub=hub,
            registry=self.registry,
            templates=self._options.templates,
            node_tokens=self._options.node_tokens,
            relay=self._options.relay,
            worker_tokens=self._options.worker_tokens,
            workers=self._workers,
            recordings_dir=self._options.recordings_dir or self._options.data_dir / "recordings",
            public_url=self._url,
            pages_dir=self._options.pages_dir,
            page_timings=timings.pages,
            site_timings=timings.sites,
            wrong_sign_ins=limits.Buckets(limits.WRONG_SIGN_INS),
            wrong_sign_in_codes=limits.Buckets(limits.WRONG_SIGN_INS),
            wrong_links=limits.Buckets(limits.WRONG_LINKS),
            wrong_codes=limits.Buckets(limits.WRONG_CODES),
            wrong_codes_of_site=limits.Buckets(limits.WRONG_CODES_OF_SITE),
            wrong_codes_of_address=limits.Buckets(limits.WRONG_CODES_OF_ADDRESS),
            passwords=Passwords(PasswordHasher(memory_cost=self._options.password_memory_kib)),
            lock_out=LockOut(),
            history=self._history,
            health=self._health.ask,
            joins=metrics.joins,
            links_problem=self._options.links_problem,
            trusted_proxies=networks(self._options.trusted_proxies),
            door_requests=limits.Buckets(limits.DOOR_REQUESTS),
            patches=limits.Buckets(limits.PATCHES),
        )
        await conferences.load()
        await self._found_first()

    async def _found_first(self) -> None:
        key = self._options.default_template
        if key is not None and not self._all():
            await self.services.conferences.create(self._options.templates[key], SYSTEM)

    async def _listen(self, listener: socket.socket) -> None:
        app = web.Application(
            middlewares=[logs.names, problems.problems, security.own_origin],
            client_max_size=MAX_OFFER + 1,
        )
        app[SERVICES] = self.services
        app.on_response_prepare.append(security.add_headers)
        add_routes(app)
        self._runner = web.AppRunner(
            app, access_log=None, logger=logs.server_logger(), shutdown_timeout=2.0
        )
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        self._tasks = [
            asyncio.create_task(self._tick(), name="tick"),
            asyncio.create_task(
                self._forward(self.bus.subscribe(HealthReport)), name="health reports"
            ),
        ]

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self._options.timings.tick_s
            await asyncio.sleep(self._options.timings.tick_s)
            self._metrics.event_loop_lag_s = max(0.0, loop.time() - due)
            try:
                self._reconciler.tick()
                self._workers.tick()
                self._trunks.tick()
                await self.services.conferences.lose_silent()
                await self._end_what_is_over()
                if self._clock.monotonic() - self._started_at >= self._options.timings.silence_s:
                    self._hub.lose_absent_standbys(self.services.conferences.all())
            except Exception:
                log.exception("tick failed; the next one tries again")

    async def _end_what_is_over(self) -> None:
        """Pages whose link or sign-in holds no longer, whoever has ended it."""
        now = self._clock.wall()
        held = self._hub.links()
        if held:
            self._hub.end_links(await self.services.links.over(held, now))
        signed_in = self._hub.sign_ins()
        if signed_in:
            for sign_in in await self.services.accounts.over(signed_in, now):
                self.services.end_sign_in(sign_in)

    async def _forward(self, reports: Subscription) -> None:
        async for report in reports:
            assert isinstance(report, HealthReport)
            self._health.monitored_at = self._clock.monotonic()
            self._hub.report(report)

    def _changed(self, before: Conference | None, after: Conference) -> None:
        self._sampler.changed(before, after)
        self._hub.changed(before, after)
        self._reconciler.changed(before, after)
        self._workers.refresh()

    def _session_closed(self, session: Session, reason: str) -> None:
        self._hub.session_closed(session, reason)
        self._workers.session_closed(session, reason)

    def _codec_of(self, scope: Scope) -> ProgramCodec:
        """Raises WireError ``not_found``."""
        return self.services.conferences.get(scope).current().codec

    def _sessions_changed(self, scope: Scope) -> None:
        self._trunks.refresh(scope)
        self._reconciler.refresh(ConferenceId(scope))
        self._workers.refresh()

    def _node_ready(self, _node: NodeId) -> None:
        for state in self._all():
            self._reconciler.refresh(state.conference)

    def _doors(self, page: PageSocket) -> Doors:
        return doors.make_doors(self.services, page)


def _no_history(_conference: ConferenceId, _site: SiteCode, now: float) -> SiteHistory:
    """What is known without a monitor."""
    return SiteHistory(1.0, now, [])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
