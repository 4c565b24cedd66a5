"""What each role and site may see of a conference, as a flat map of keyed rows. Pure.

Never raw events: an aside or another site's device is nobody else's business, and 63 × 63 join
messages are nobody's need.
"""

from __future__ import annotations

from collections.abc import Iterable

from signaling import permissions, routing
from signaling.conference.state import REOPEN_S, Conference, Recording, Seat
from signaling.wire.commands import Layout
from signaling.wire.ids import Role, SiteCode
from signaling.wire.pages import (
    ConferenceRow,
    FloorRow,
    Named,
    QueueRow,
    Row,
    SeatRow,
    StageRow,
    Tally,
)
from signaling.wire.recordings import RecordingRow

View = dict[str, Row]


def view(state: Conference, role: Role, site: SiteCode | None) -> View:
    """The rows for a page of `role`; `site` is a site page's own, None for all others."""
    sees_all = permissions.allowed(role, "see_all_sites")
    directs = permissions.allowed(role, "watch_pictures")
    rows: View = {
        "conference": _conference(state, shows_preview=directs),
        "stage": _stage(state, None if sees_all else site, shown=directs or state.carries_media),
        "floor": _floor_row(state),
    }
    if sees_all:
        coming = None if state.next is None else _name(state, state.next)
        rows["queue"] = QueueRow(_named(state, state.queue), coming)
    if state.recording is not None:
        rows["recording"] = _recording(state.recording, site, sees_all=sees_all)
    for seat in state.seats.values():
        if sees_all or seat.site.code == site:
            rows[f"seat/{seat.site.code}"] = _seat(state, seat)
    return rows


def difference(before: View, after: View) -> tuple[View, list[str]]:
    """What a page at `before` must put and drop to be at `after`."""
    put = {key: row for key, row in after.items() if before.get(key) != row}
    return put, [key for key in before if key not in after]


def _conference(state: Conference, *, shows_preview: bool) -> ConferenceRow:
    return ConferenceRow(
        conference=state.conference,
        title=state.title,
        title_en=state.title_en,
        organizer=state.organizer,
        phase=state.phase,
        starts_at=state.starts_at,
        started_at=state.started_at,
        ended_at=state.ended_at,
        central=state.central,
        program=state.program,
        preview=state.preview if shows_preview else None,
        reopen_until=None if state.ended_at is None else state.ended_at + REOPEN_S,
    )


def _stage(state: Conference, site: SiteCode | None, *, shown: bool) -> StageRow:
    seats = _named(state, routing.stage(state, site)) if shown else ()
    slides = routing.slides(state, site) if shown else None
    layout: Layout = "single" if len(seats) <= 1 else "grid"
    return StageRow(layout, seats, None if slides is None else _name(state, slides))


def _floor_row(state: Conference) -> FloorRow:
    speech = state.speech
    if speech is None:
        return FloorRow(_named(state, _floor(state)))
    return FloorRow(_named(state, _floor(state)), _name(state, speech.site), speech.since)


def _floor(state: Conference) -> tuple[SiteCode, ...]:
    return state.floor if state.phase != "ended" else ()


def _named(state: Conference, sites: Iterable[SiteCode]) -> tuple[Named, ...]:
    return tuple(_name(state, site) for site in sites)


def _name(state: Conference, site: SiteCode) -> Named:
    return Named(site, state.seats[site].site.name)


def _recording(recording: Recording, site: SiteCode | None, *, sees_all: bool) -> RecordingRow:
    if sees_all:
        return RecordingRow(recording.since, recording.state, recording.sites, recording.problem)
    own = (site,) if site is not None and site in recording.sites else ()
    return RecordingRow(recording.since, recording.state, own)


def _tally(state: Conference, site: SiteCode) -> Tally:
    if state.carries_media and site in state.program.seats:
        return "on_air"
    return "next" if site == state.next else "listening"


def _seat(state: Conference, seat: Seat) -> SeatRow:
    info = seat.site
    queued = info.code in state.queue
    return SeatRow(
        site=info.code,
        name=info.name,
        full_name=info.full_name,
        banner=info.banner,
        region=info.region,
        order=info.order,
        lat=info.lat,
        lon=info.lon,
        central=info.code == state.central,
        present=seat.present,
        muted_by_operator=seat.muted_by_operator,
        muted_by_site=seat.muted_by_site,
        tally=_tally(state, info.code),
        floor=info.code in _floor(state),
        hand_since=seat.hand_since,
        position=state.queue.index(info.code) + 1 if queued else None,
        help_since=seat.help_since,
        standby=seat.standby is not None,
        spoken_s=seat.spoken_s,
        sharing=seat.sharing,
        heard_at=seat.heard_at,
    )
