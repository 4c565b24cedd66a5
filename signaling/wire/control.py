"""The control link: what signaling and a bridge node tell each other.

The bridge dials ``/control`` (WebSocket, text frames, one message each) with its node token as
``Authorization: Bearer``, sends `Hello`, and obeys. It knows ports and scopes, never conferences
or provinces. Every request carries an id that its reply repeats.

A routing table has an *epoch* (which owner computed it) and a *revision* (which of that owner's
tables it is). An older epoch is refused; the same epoch with a matching base is applied as a
difference; anything else is answered with the node's own (epoch, revision), and a full table
(``base = None``) follows, as after every `Hello`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from signaling.wire.ids import (
    BootId,
    Direction,
    Media,
    NodeId,
    Port,
    ProgramCodec,
    Scope,
    SessionId,
    SlotName,
    Track,
)

SessionState = Literal["connecting", "connected", "lost", "closed"]
"""``connected``: ICE consent and DTLS stand. ``lost``: nothing authentic, neither a check nor a
packet, came for 5 s; it may come back. ``closed``: over, also when consent ends (30 s without a
check)."""


TRUNK_SLOTS = (SlotName("floor:1"), SlotName("thumb:1"), SlotName("stage:1"), SlotName("stage:2"))
"""What a trunk receives of a port: microphone, camera small, camera large, slides."""


class Route(msgspec.Struct, frozen=True):
    """One crosspoint: `port`'s `slot` receives `source`'s `track`.

    The virtual sources ``@floor/1`` to ``@floor/4`` are the positions of the floor: the bridge
    decides which of `Routes.speakers` holds each. Who holds one hears nothing in it.
    """

    port: Port
    slot: SlotName
    source: Port
    track: Track


class Dropped(msgspec.Struct, frozen=True):
    """A crosspoint that no longer exists."""

    port: Port
    slot: SlotName


class TableVersion(msgspec.Struct, frozen=True):
    """Which table a node holds for a scope."""

    scope: Scope
    epoch: int
    revision: int


class SessionInfo(msgspec.Struct, frozen=True):
    """A session as the node holds it; `slots` is empty for a publishing one, `shared` as in
    `OpenSession`. `relayed_from` is the node that a trunk brings its port from."""

    session: SessionId
    scope: Scope
    port: Port
    direction: Direction
    state: SessionState
    slots: list[SlotName] = []
    shared: bool = False
    relayed_from: NodeId | None = None


# --- up: bridge → signaling ---------------------------------------------------------------------


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """First message of a link. `boot_id` changes when the process is a new one. `packet_path` says
    what handles its packets: ``compiled`` or ``python``. More than `max_sessions` it refuses."""

    node: NodeId
    boot_id: BootId
    version: str
    sessions: list[SessionInfo] = []
    tables: list[TableVersion] = []
    packet_path: str = ""
    max_sessions: Annotated[int, msgspec.Meta(ge=1)] | None = None


class SessionEdge(msgspec.Struct, frozen=True, tag="session_edge"):
    """A session changed its state; `reason` says why it was lost or closed."""

    session: SessionId
    scope: Scope
    port: Port
    direction: Direction
    state: SessionState
    reason: str = ""
    relayed_from: NodeId | None = None


class StreamStats(msgspec.Struct, frozen=True):
    """One direction of one kind of media of a session, totals since it opened; of what the node
    receives, one for each layer of each track (`layer` is empty where there is but one).

    `width` and `height` are of the picture, None until known; `profile` is what its decoder must be
    made for, as ``profile-level-id`` says it (RFC 6184 §8.1), of H.264 alone. `ignores_requests`:
    this encoder makes keyframes when it pleases, whatever it is asked.

    `bitrate_bps` is over the last report's interval. `lost` and `loss_ratio` (0–1, last interval)
    and `jitter_s` follow RFC 3550 §6.4: measured here for what the node receives, taken from
    receiver reports for what it sends.

    The rest is of a published microphone, None of everything else and while unknown: what its
    packets state of their loudness (RFC 6464). `level_dbov`: the loudest packet since the last
    report, 0 to −127, which is silence; a microphone without packets has none. `heard`: somebody
    speaks, or did two seconds ago. `clipping_ratio`: share of packets at the end of the scale.
    `floor`: its position on the floor, from 1.
    """

    media: Media
    track: Track | None
    packets: int
    bytes: int
    bitrate_bps: float
    lost: int = 0
    loss_ratio: float = 0.0
    jitter_s: float = 0.0
    keyframes: int = 0
    keyframe_requests: int = 0
    level_dbov: float | None = None
    heard: bool | None = None
    clipping_ratio: float | None = None
    floor: int | None = None
    layer: str = ""
    width: int | None = None
    height: int | None = None
    profile: str | None = None
    ignores_requests: bool = False


class SessionStats(msgspec.Struct, frozen=True):
    """Figures of one session. Ages are seconds since the last authentic packet of that kind.

    `consent_age_s` counts from the last authenticated STUN check (RFC 7675), `media_age_s` from
    the last authentic RTP packet in; None means never. `rtt_s` is from RTCP, None until known.

    Of a receiving session: `budget_bps` is what its path is taken to carry, None while nothing is
    known of it; `paused` are the slots that have a picture to show and no room for it.
    """

    session: SessionId
    scope: Scope
    port: Port
    direction: Direction
    state: SessionState
    consent_age_s: float | None = None
    media_age_s: float | None = None
    rtt_s: float | None = None
    streams: list[StreamStats] = []
    budget_bps: float | None = None
    paused: list[SlotName] = []


LATENCY_EDGES_S = (
    *(0.00025, 0.0005, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01, 0.015, 0.02),
    *(0.025, 0.03, 0.04, 0.06, 0.12, 0.25, 0.5),
)
"""Upper edges of the buckets of `Stats.latency`, in seconds; one more bucket takes the rest."""


class Traffic(msgspec.Struct, frozen=True):
    """What a node got or sent of one kind of media: RTP packets and their payload bytes, totals
    since the process started, sessions that are over included. Retransmissions are left out."""

    direction: Literal["in", "out"]
    media: Media
    packets: int
    bytes: int


class Stats(msgspec.Struct, frozen=True, tag="stats"):
    """A node's figures, once a second. `at` is the node's wall clock (Unix seconds).

    `dropped` counts packets that were dropped, by reason (``stun_integrity``, ``unknown_peer``,
    ``rtp_before_dtls``, ``srtp_auth``, ``srtp_replay``, ``malformed``, ``over_ceiling`` of a
    publisher that sends more than anybody may, ``tcp_backlog`` of a slow
    reader, …), and TCP connections (``tcp_refused``, ``tcp_silent``), since the process started.
    `tables` lets signaling heal a routing table whose message was lost.

    `packets_in` to `bytes_out` count datagrams of any protocol; `traffic` has the media among them.
    `feedback` counts RTCP feedback that was sent or received, by type: ``pli``, ``fir``, ``nack``,
    ``remb``, ``twcc``. `latency` counts forwarded packets, once for each receiver, by how long
    they were in the node (from the kernel's receive time until the kernel had them again), one
    number for each bucket of `LATENCY_EDGES_S`; `latency_sum_s` is the sum of those times. Packets
    of keyframes and what the pacer held up are in `latency_burst` instead.

    `stalls` counts how often the event loop stood still for 50 ms or more, by cause: ``busy``
    computing itself, or ``waited`` for a core. `tasks` are those of the process now.
    """

    at: float
    cpu_s: float
    loop_lag_s: float
    packets_in: int
    packets_out: int
    bytes_in: int
    bytes_out: int
    dropped: dict[str, int]
    sessions: list[SessionStats]
    tables: list[TableVersion]
    traffic: list[Traffic] = []
    feedback: dict[str, int] = {}
    latency: list[int] = []
    latency_sum_s: float = 0.0
    latency_burst: list[int] = []
    latency_burst_sum_s: float = 0.0
    stalls: dict[str, int] = {}
    tasks: int = 0


class SessionOpened(msgspec.Struct, frozen=True, tag="session_opened"):
    """Reply to `OpenSession`: the SDP answer, and the name of the session's ICE generation."""

    request: int
    session: SessionId
    answer: str
    etag: str = ""


class SessionPatched(msgspec.Struct, frozen=True, tag="session_patched"):
    """Reply to `PatchSession`: the name of the ICE generation that holds now, and after an ICE
    restart our side of it, else None."""

    request: int
    etag: str
    fragment: str | None = None


class TrunkOffered(msgspec.Struct, frozen=True, tag="trunk_offered"):
    """Reply to `OpenTrunk`: the offer to make at the source's receiving door."""

    request: int
    session: SessionId
    offer: str


class Done(msgspec.Struct, frozen=True, tag="done"):
    """Reply to `CloseSession` and `ConnectTrunk`; closing what is closed already is done too."""

    request: int


class RoutesHeld(msgspec.Struct, frozen=True, tag="routes_held"):
    """Reply to `Routes`: the table that the node holds now; what was sent, if it was applied."""

    request: int
    scope: Scope
    epoch: int
    revision: int


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Reply to a request that could not be carried out; `code` is a key of `errors.ERRORS`."""

    request: int
    code: str
    detail: str = ""
    params: dict[str, str] = {}


class LayersWanted(msgspec.Struct, frozen=True, tag="layers"):
    """Which layers of a port's track are worth sending: somebody watches them, or did a few seconds
    ago; the lowest always is. Names as in the publisher's offer. Sent on each change, and for every
    track of several layers after `Hello`."""

    scope: Scope
    port: Port
    track: Track
    layers: list[str]


NodeMessage = (
    Hello
    | SessionEdge
    | Stats
    | SessionOpened
    | SessionPatched
    | TrunkOffered
    | Done
    | RoutesHeld
    | Refused
    | LayersWanted
)

# --- down: signaling → bridge -------------------------------------------------------------------


class OpenSession(msgspec.Struct, frozen=True, tag="open_session"):
    """Answer this offer. For ``receive``, `slots` name the receive sections in offer order per kind
    of media: the first picture slot is the first video section, and so on. Pictures are taken in
    `codec` alone. A `shared` session replaces none of its port and direction, and is replaced by
    none: players of one port live side by side."""

    request: int
    scope: Scope
    port: Port
    direction: Direction
    offer: str
    slots: list[SlotName] = []
    codec: ProgramCodec = "VP8"
    shared: bool = False


class PatchSession(msgspec.Struct, frozen=True, tag="patch_session"):
    """An SDP fragment of the peer (RFC 8840): candidates, or new credentials, which restart ICE.
    `if_match` are the ICE generations that it is meant for, or ``*``; without any, its credentials
    must be those that hold."""

    request: int
    session: SessionId
    fragment: str
    if_match: list[str]


class CloseSession(msgspec.Struct, frozen=True, tag="close_session"):
    """End a session now."""

    request: int
    session: SessionId
    reason: str = ""


class OpenTrunk(msgspec.Struct, frozen=True, tag="open_trunk"):
    """Bring `port`, which another node (`source`) has, here: make an offer with one receive section
    for each of `TRUNK_SLOTS`. Its session publishes the port here once it is connected."""

    request: int
    scope: Scope
    port: Port
    source: NodeId


class ConnectTrunk(msgspec.Struct, frozen=True, tag="connect_trunk"):
    """The source's answer to the offer of a trunk."""

    request: int
    session: SessionId
    answer: str


class Routes(msgspec.Struct, frozen=True, tag="routes"):
    """Change a scope's table from revision `base` to `revision`; `base` None replaces it whole.

    `speakers` are the ports whose microphones are open, all of them in every message, by time of
    opening; one that is not among them is carried in no position from now on.
    """

    request: int
    scope: Scope
    epoch: int
    revision: int
    base: int | None
    put: list[Route] = []
    drop: list[Dropped] = []
    speakers: list[Port] = []


SignalingMessage = OpenSession | PatchSession | CloseSession | OpenTrunk | ConnectTrunk | Routes
