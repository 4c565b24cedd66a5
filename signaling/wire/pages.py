"""The page socket: what a page and signaling tell each other, and the rows of a view.

A page opens its WebSocket, sends `PageHello` first, and is answered with `Snapshot` or a close
code (`errors.ERRORS`; the close frame's reason is the error code itself). From then on it holds a
flat map of keyed rows: ``put`` replaces rows, ``drop`` removes them.
Patches carry ``seq`` without gaps per socket; a page that sees a gap reconnects. Figures come once
a second without ``seq``. Only what the role and site may see is ever sent.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from signaling.wire.commands import Layout, PageCommand, Scene, Site, Sites
from signaling.wire.errors import Problem
from signaling.wire.figures import Figures
from signaling.wire.ids import (
    CommandId,
    ConferenceId,
    Port,
    ProgramCodec,
    Role,
    SessionId,
    SiteCode,
    SlotName,
    Track,
)
from signaling.wire.ports import FLOOR_POSITIONS
from signaling.wire.recordings import RecordingRow

Phase = Literal["draft", "scheduled", "rehearsal", "live", "recess", "ended"]
Tally = Literal["on_air", "next", "listening"]

HEARTBEAT_S = 2.0
"""How often a page sends `Heartbeat`, seconds."""
HELLO_TIMEOUT_S = 10.0
"""How long a socket waits for `PageHello` before it is closed with ``hello_expected``, seconds."""
SITE_SLOTS = f"stage:4,floor:{FLOOR_POSITIONS}"
"""What a site page asks of WHEP."""
OPERATOR_SLOTS = f"stage:4,floor:{FLOOR_POSITIONS},preview:4,cue:1"
"""What an operator window asks of WHEP, and a thumbnail per seat, as far as `MAX_SLOTS` goes."""

Opaque = Annotated[str, msgspec.Meta(min_length=8, max_length=64, pattern="^[A-Za-z0-9_-]+$")]


# --- page → signaling ---------------------------------------------------------------------------


class PageHello(msgspec.Struct, frozen=True, tag="hello"):
    """First frame. `page_id` is random per load of the page and kept over reconnects.

    With `standby` a site's further device waits beside the one that holds the seat: it sees the
    conference, opens no doors, and takes the seat when the holder has been silent for 10 s, or
    when it is promoted. Its socket is then closed with ``promoted`` and it connects as any other.
    """

    page_id: Opaque
    standby: bool = False


class CommandMessage(msgspec.Struct, frozen=True, tag="command"):
    """`id` is the page's choice; the same id and command again returns the first result."""

    id: Opaque
    command: PageCommand


class Watch(msgspec.Struct, frozen=True, tag="watch"):
    """The sites whose pictures this page wants in its thumbnail slots, in slot order."""

    sites: Sites


class Cue(msgspec.Struct, frozen=True, tag="cue"):
    """Hear this site's microphone in the cue slot, open or shut; None stops. For directors; it
    belongs to the page and is not journalled."""

    site: Site | None


Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
Short = Annotated[float, msgspec.Meta(ge=0, le=60)]
Rate = Annotated[float, msgspec.Meta(ge=0, le=10**9)]


class Report(msgspec.Struct, frozen=True, tag="report"):
    """What a site's own WebRTC statistics say, every 5 s; None where the browser does not tell.

    Since the report before: `freeze_s` seconds in which its received picture stood still,
    `receive_loss_ratio` of packets lost towards it. `frames_per_s` and `sent_frames_per_s` are
    decoded and sent pictures. `microphone_level` is 0–1. Values outside these ranges are refused
    with ``bad_message``.
    """

    rtt_s: Short | None = None
    receive_loss_ratio: Ratio | None = None
    freeze_s: Short | None = None
    frames_per_s: Annotated[float, msgspec.Meta(ge=0, le=240)] | None = None
    sent_frames_per_s: Annotated[float, msgspec.Meta(ge=0, le=240)] | None = None
    sent_bps: Rate | None = None
    microphone_level: Ratio | None = None
    camera: bool | None = None
    microphone: bool | None = None


class Heartbeat(msgspec.Struct, frozen=True, tag="heartbeat"):
    """Every 2 s; answered with `HeartbeatAck`, from which the page knows the link's age."""

    n: Annotated[int, msgspec.Meta(ge=0, le=2**53)]


PageMessage = PageHello | CommandMessage | Watch | Cue | Report | Heartbeat

# --- rows of a view -----------------------------------------------------------------------------


class ConferenceRow(msgspec.Struct, frozen=True, tag="conference", tag_field="row"):
    """Key ``conference``. `preview` is None for all but operators. Times are Unix seconds.

    `reopen_until`: until when an ended conference can be reopened.
    """

    conference: ConferenceId
    title: str
    title_en: str
    organizer: str
    phase: Phase
    starts_at: float
    started_at: float | None
    ended_at: float | None
    central: SiteCode
    program: Scene
    preview: Scene | None
    reopen_until: float | None = None


class SeatRow(msgspec.Struct, frozen=True, tag="seat", tag_field="row"):
    """Key ``seat/{code}``. A site page gets its own; operators and technicians get all.

    `present`: a device holds the seat and its page is connected (or was, seconds ago).
    `floor`: its microphone is open. `hand_since` and `position` (from 1): its place in the queue.
    `help_since`: it waits for a technician. `standby`: a further device is ready to take over.
    `spoken_s`: speaking time so far, without the speech that is going on. `sharing`: it offers
    slides. `heard_at`: when voice first came from its device, muted or not: the microphone works.
    """

    site: SiteCode
    name: str
    full_name: str
    banner: str
    region: str
    order: int
    lat: float | None
    lon: float | None
    central: bool
    present: bool
    muted_by_operator: bool
    muted_by_site: bool
    tally: Tally
    floor: bool
    hand_since: float | None = None
    position: int | None = None
    help_since: float | None = None
    standby: bool = False
    spoken_s: float = 0.0
    sharing: bool = False
    heard_at: float | None = None


class Named(msgspec.Struct, frozen=True):
    """A site by code and name, for captions."""

    site: SiteCode
    name: str


class StageRow(msgspec.Struct, frozen=True, tag="stage", tag_field="row"):
    """Key ``stage``: what this page's stage slots show, slot 1 first; empty before the start.

    With `slides`, slot 1 shows the slides of that site, and `seats` begin with slot 2.
    """

    layout: Layout
    seats: tuple[Named, ...]
    slides: Named | None = None


class FloorRow(msgspec.Struct, frozen=True, tag="floor", tag_field="row"):
    """Key ``floor``: whose microphones are open, by time of opening, and who was given the floor,
    since when. Of more than four the four loudest are carried (`SiteFigures.floor_position`)."""

    seats: tuple[Named, ...]
    speaker: Named | None = None
    speaking_since: float | None = None


class QueueRow(msgspec.Struct, frozen=True, tag="queue", tag_field="row"):
    """Key ``queue``: the raised hands in order, and who was told to come next. Not for sites."""

    seats: tuple[Named, ...]
    next: Named | None


Row = ConferenceRow | SeatRow | StageRow | FloorRow | QueueRow | RecordingRow

# --- signaling → page ---------------------------------------------------------------------------


class IceServer(msgspec.Struct, frozen=True):
    """As ``RTCIceServer`` of the WebRTC API takes it."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class Doors(msgspec.Struct, frozen=True):
    """Where this page publishes (WHIP) and receives (WHEP), and the Bearer token for both.

    `whip` is None for pages that publish nothing. `codec` is the only one that is taken and given
    for pictures.
    """

    whip: str | None
    whep: str | None
    token: str
    ice_servers: list[IceServer] = []
    codec: ProgramCodec = "VP8"


class Snapshot(msgspec.Struct, frozen=True, tag="snapshot"):
    """All rows of this page's view, and who the page is; a standby device gets no doors."""

    seq: int
    role: Role
    site: SiteCode | None
    name: str
    port: Port
    doors: Doors
    rows: dict[str, Row]
    standby: bool = False


class Patch(msgspec.Struct, frozen=True, tag="patch"):
    """The difference to the view before."""

    seq: int
    put: dict[str, Row] = {}
    drop: list[str] = []


class Result(msgspec.Struct, frozen=True, tag="result"):
    """The outcome of the command with this id; no `problem` means it was accepted and stored."""

    id: CommandId
    problem: Problem | None = None


class HeartbeatAck(msgspec.Struct, frozen=True, tag="heartbeat_ack"):
    """Repeats the heartbeat's number."""

    n: int


class Thin(msgspec.Struct, frozen=True, tag="thin"):
    """This page's line is too slow for what it receives: the pictures of these slots are paused,
    and the last one stays; the sound goes on. Empty: all is as it should be, as before the first.
    Sent when it changes."""

    paused: list[SlotName]


class SessionClosed(msgspec.Struct, frozen=True, tag="session_closed"):
    """The bridge has ended a session of this page's port; publish or receive anew."""

    session: SessionId
    reason: str


class Layers(msgspec.Struct, frozen=True, tag="layers"):
    """Which layers of this page's `track` somebody watches: it sends these and rests the others.

    Names are RIDs of the page's own offer (RFC 8851); it passes over those it does not know, and
    the lowest is always wanted. Comes after the snapshot and with each change, if ever; before the
    first, all layers are wanted.
    """

    track: Track
    layers: list[str]


ServerMessage = Snapshot | Patch | Result | HeartbeatAck | SessionClosed | Layers | Thin | Figures
