"""The agent's status page, for who stands beside the device: loopback only, HTML and JSON."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec
from aiohttp import hdrs, web

from bridge.agent.media import Supplied
from bridge.agent.texts import TEXTS, language
from signaling.wire.pages import Report, Tally

REFRESH_S = 5
_LOCAL = {"127.0.0.1", "localhost", "[::1]"}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


@dataclass
class Line:
    """One connection: whether it stands, and since when (Unix time)."""

    connected: bool
    since: float

    def now(self, connected: bool, wall: float) -> None:
        """Take a state; `since` moves on edges only."""
        if connected != self.connected:
            self.connected, self.since = connected, wall


@dataclass
class Trouble:
    """The last error, and when (Unix time)."""

    at: float
    text: str


@dataclass
class Status:
    """What the page shows. The agent keeps it current; times are Unix seconds."""

    site: str
    began: float
    name: str = ""
    conference: str = ""
    connection: Line = field(init=False)
    publish: Line = field(init=False)
    receive: Line = field(init=False)
    tally: Tally | None = None
    muted_by_operator: bool | None = None
    muted_by_site: bool | None = None
    sources: list[Supplied] = field(default_factory=list)
    figures: Report | None = None
    last_error: Trouble | None = None

    def __post_init__(self) -> None:
        self.connection, self.publish, self.receive = (Line(False, self.began) for _ in range(3))

    def trouble(self, wall: float, text: str) -> None:
        """Remember the last error."""
        self.last_error = Trouble(wall, text)

    def as_json(self) -> dict[str, Any]:
        """Plain data, for ``/status``."""
        plain = asdict(self)
        plain["figures"] = None if self.figures is None else msgspec.to_builtins(self.figures)
        return plain


class StatusServer:
    """Serves the page at ``/`` and JSON at ``/status`` on 127.0.0.1."""

    def __init__(self, status: Status, port: int) -> None:
        self._status, self._port = status, port
        app = web.Application(middlewares=[_from_here_only])
        app.router.add_get("/", self._page)
        app.router.add_get("/status", self._json)
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self) -> int:
        """Listen, and return the port (a free one for 0). Raises OSError."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _json(self, request: web.Request) -> web.Response:
        text = json.dumps(self._status.as_json(), ensure_ascii=False, indent=2)
        return web.Response(text=text + "\n", content_type="application/json", headers=_HEADERS)

    async def _page(self, request: web.Request) -> web.Response:
        chosen = language(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
        text = page(self._status, TEXTS[chosen], chosen)
        headers = _HEADERS | {"Content-Language": chosen, "Vary": hdrs.ACCEPT_LANGUAGE}
        return web.Response(text=text, content_type="text/html", headers=headers)


@web.middleware
async def _from_here_only(
    request: web.Request, handler: Callable[[web.Request], Any]
) -> web.StreamResponse:
    """A foreign page cannot read it by a name that it points to 127.0.0.1."""
    name = request.host.rpartition(":")[0] if request.host[-1:].isdigit() else request.host
    if (name or request.host) not in _LOCAL:
        raise web.HTTPForbidden
    answer: web.StreamResponse = await handler(request)
    return answer


def page(status: Status, texts: Mapping[str, str], lang: str) -> str:
    """The whole page, in one language."""
    facts = [
        (texts["site"], f"{status.site} {status.name}".strip()),
        (texts["conference"], status.conference or texts["unknown"]),
        *((texts[key], _line(line, texts)) for key, line in _lines(status)),
        (texts["tally"], texts[status.tally or "unknown"]),
        (texts["microphone"], _microphone(status, texts)),
        (texts["last_error"], _trouble(status.last_error, texts)),
    ]
    sources = [
        (
            one.name,
            ", ".join(texts[kind] for kind in one.gives),
            texts["flowing" if one.flowing else "lost" if one.why else "waiting"],
            _when(one.since),
            one.why,
        )
        for one in status.sources
    ]
    head = ("source", "", "state", "since", "why")
    heads = [texts[key] if key else "" for key in head]
    return "\n".join(
        [
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">',
            f'<meta http-equiv="refresh" content="{REFRESH_S}">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{_text(texts['title'])} {_text(status.site)}</title><style>{_STYLE}</style>",
            f"</head><body><h1>{_text(texts['title'])}</h1>",
            _table(facts),
            f"<h2>{_text(texts['sources'])}</h2>",
            _table(sources, heads),
            f"<h2>{_text(texts['figures'])}</h2>",
            _table(_figures(status.figures, texts)),
            "</body></html>\n",
        ]
    )


_STYLE = (
    "body{font:1rem/1.5 sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{border-bottom:1px solid #ccc;padding:.3rem;text-align:left;overflow-wrap:anywhere}"
)


def _lines(status: Status) -> list[tuple[str, Line]]:
    return [
        ("connection", status.connection),
        ("publish", status.publish),
        ("receive", status.receive),
    ]


def _line(line: Line, texts: Mapping[str, str]) -> str:
    state = texts["connected" if line.connected else "connecting"]
    return f"{state} · {texts['since']} {_when(line.since)}"


def _microphone(status: Status, texts: Mapping[str, str]) -> str:
    if status.muted_by_operator is None:
        return texts["unknown"]
    flags = ("muted_by_operator", "muted_by_site")
    return ", ".join(texts[flag] for flag in flags if getattr(status, flag)) or texts["open"]


def _trouble(trouble: Trouble | None, texts: Mapping[str, str]) -> str:
    return texts["none"] if trouble is None else f"{_when(trouble.at)} · {trouble.text}"


def _figures(report: Report | None, texts: Mapping[str, str]) -> list[tuple[str, str]]:
    if report is None:
        return [(texts["unknown"], "")]
    rows = []
    for name in report.__struct_fields__:
        value = getattr(report, name)
        key = "microphone_found" if name == "microphone" else name
        if isinstance(value, bool):
            shown = texts["yes" if value else "no"]
        else:
            shown = texts["unknown"] if value is None else f"{value:.4g}"
        rows.append((texts[key], shown))
    return rows


def _table(rows: list[Any], heads: list[str] | None = None) -> str:
    head = "" if heads is None else _row(heads, "th")
    return f"<table>{head}{''.join(_row(row, 'td') for row in rows)}</table>"


def _row(cells: Any, tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{_text(cell)}</{tag}>" for cell in cells) + "</tr>"


def _text(text: str) -> str:
    return html.escape(text)


def _when(at: float) -> str:
    """Local time of this device."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
