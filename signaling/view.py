"""What each role and site may see of a conference, as a flat map of keyed rows. Pure.

Never raw events: an aside or another site's device is nobody else's business, and 63 × 63 join
messages are nobody's need.
"""

from __future__ import annotations

from collections.abc import Iterable

from signaling import permissions, routing
from signaling.conference.state import Conference, Seat
from signaling.wire.ids import Role, SiteCode
from signaling.wire.pages import ConferenceRow, FloorRow, Named, Row, SeatRow, StageRow

View = dict[str, Row]


def view(state: Conference, role: Role, site: SiteCode | None) -> View:
    """The rows for a page of `role`; `site` is a site page's own, None for all others."""
    sees_all = permissions.allowed(role, "see_all_sites")
    directs = permissions.allowed(role, "watch_pictures")
    rows: View = {
        "conference": _conference(state, shows_preview=directs),
        "stage": _stage(state, None if sees_all else site, shown=directs or state.phase == "live"),
        "floor": FloorRow(_named(state, _floor(state))),
    }
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
    )


def _stage(state: Conference, site: SiteCode | None, *, shown: bool) -> StageRow:
    seats = _named(state, routing.stage(state, site)) if shown else ()
    return StageRow("single" if len(seats) <= 1 else "grid", seats)


def _floor(state: Conference) -> list[SiteCode]:
    return [site for site in state.floor if site is not None] if state.phase != "ended" else []


def _named(state: Conference, sites: Iterable[SiteCode]) -> tuple[Named, ...]:
    return tuple(Named(site, state.seats[site].site.name) for site in sites)


def _seat(state: Conference, seat: Seat) -> SeatRow:
    info = seat.site
    on_air = state.phase == "live" and info.code in state.program.seats
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
        tally="on_air" if on_air else "listening",
        floor=info.code in _floor(state),
    )
