"""``/api/conferences/{conference}/recordings``: what was recorded, to fetch or to delete."""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter

from signaling import archive
from signaling.api.services import answer, conference_of, services
from signaling.conference.commands import Actor, DeleteRecording
from signaling.wire.errors import WireError
from signaling.wire.recordings import RecordingId

MATROSKA = "video/x-matroska"

log = structlog.get_logger("signaling.recordings")


async def recordings(request: web.Request) -> web.Response:
    """Every recording of the conference, newest first, with its files."""
    owner, _ = await conference_of(request, "see_recordings")
    root = services(request).recordings_dir
    return answer(await asyncio.to_thread(archive.recordings, root, owner.current()))


async def download(request: web.Request) -> web.StreamResponse:
    """One file, whole or in part (one range of bytes); also one that is still growing, as far as
    it is."""
    owner, login = await conference_of(request, "see_recordings")
    name, file = request.match_info["recording"], request.match_info["file"]
    root = services(request).recordings_dir
    path = await asyncio.to_thread(archive.segment_path, root, owner.current(), name, file)
    if hdrs.RANGE not in request.headers:
        log.info(
            "recording fetched",
            conference=owner.conference,
            recording=name,
            file=file,
            by=login.account,
        )
    shown = f"diemcau-{owner.conference}-{name}-{file}"
    headers = {
        "Content-Type": MATROSKA,
        "Content-Disposition": f'attachment; filename="{shown}"',
    }
    return _Segment(path, headers=headers)


class _Segment(web.FileResponse):
    """A range that is not understood is no error, and neither are several: the whole file comes
    (RFC 9110 §14.2: "MUST ignore a Range header field that contains a range unit it does not
    understand", and "MAY ignore" the field otherwise)."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """See `aiohttp.web.StreamResponse`."""
        asked = request.headers.get(hdrs.RANGE)
        if asked is not None:
            headers = request.headers.copy()
            headers[hdrs.RANGE] = asked.lower()
            request = request.clone(headers=headers)
            try:
                _ = request.http_range
            except ValueError:
                del headers[hdrs.RANGE]
                request = request.clone(headers=headers)
        return await super().prepare(request)


async def delete(request: web.Request) -> web.Response:
    """Delete a recording that has ended; its name stays in the journal."""
    owner, login = await conference_of(request, "delete_recordings")
    name = request.match_info["recording"]
    root, state = services(request).recordings_dir, owner.current()
    if await asyncio.to_thread(archive.recording, root, state, name) is None:
        raise WireError("not_found", f"there is no recording {name[:40]!r}")
    actor = Actor(login.role, f"account/{login.account}")
    await owner.submit(DeleteRecording(RecordingId(name)), actor)
    await asyncio.to_thread(archive.delete, root, state, name)
    log.info("recording deleted", conference=owner.conference, recording=name, by=login.account)
    return web.Response(status=204)
