"""The worker link: what a media worker is wanted to do, and what it says of it.

A media worker decodes, encodes or stores, in a process of its own, as one more subscriber of the
bridge. It dials ``/worker`` and says `WorkerHello`; from then on signaling sends `Orders`, the
whole of what is wanted, at every change and every few seconds; the worker starts and stops work
until it does exactly that. So a lost message, a restarted worker or a restarted signaling heals
itself. Once a second the worker answers with `Facts`, and sends each `Still` as it is made.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from signaling.wire.figures import Picture
from signaling.wire.ids import BootId, Port, Scope, SessionId, SiteCode, SlotName, WorkerId
from signaling.wire.recordings import RecordingId, RecordingProblem

MAX_STILL = 64 * 1024
"""Bytes of one still."""

Count = Annotated[int, msgspec.Meta(ge=0)]


# --- up: worker → signaling ---------------------------------------------------------------------


class WorkerHello(msgspec.Struct, frozen=True, tag="hello"):
    """First message of a link. `boot_id` changes when the process is a new one."""

    worker: WorkerId
    boot_id: BootId
    version: str


class RecordFact(msgspec.Struct, frozen=True, tag="record"):
    """How one `Record` order is going.

    `flowing`: media was written within the last seconds. `octets` and `seconds` are what lies on
    disk of this recording, earlier segments included. `lost` counts packets that never came,
    `skipped` frames that were left out because of them.
    """

    scope: Scope
    recording: RecordingId
    flowing: bool
    problem: RecordingProblem | None = None
    octets: Count = 0
    seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    segments: Count = 0
    lost: Count = 0
    skipped: Count = 0


class MixFact(msgspec.Struct, frozen=True, tag="mix"):
    """How one `Mix` order is going.

    `flowing`: the mix was sent within the last second. `voices`: from how many microphones sound
    came within it. `lost` counts packets that never came, `late_s` is sound that came too late.
    """

    scope: Scope
    port: Port
    flowing: bool
    voices: Count = 0
    lost: Count = 0
    late_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0


Fact = RecordFact | MixFact


class Facts(msgspec.Struct, frozen=True, tag="facts"):
    """Once a second: every order at work, the room that is left where recordings lie, and how many
    tasks the process has."""

    at: float
    free_bytes: Count
    facts: Annotated[list[Fact], msgspec.Meta(max_length=4096)] = []
    tasks: Count = 0


class Still(msgspec.Struct, frozen=True, tag="still"):
    """A site's picture as JPEG, `age_s` seconds after it came; and what is to be seen there."""

    scope: Scope
    site: SiteCode
    age_s: Annotated[float, msgspec.Meta(ge=0, le=60)]
    picture: Picture
    jpeg: Annotated[bytes, msgspec.Meta(max_length=MAX_STILL)]


WorkerMessage = WorkerHello | Facts | Still

# --- down: signaling → worker -------------------------------------------------------------------


class Record(msgspec.Struct, frozen=True, tag="record"):
    """Receive `slots` of `port` by WHEP with `token`, and store what comes, as it comes.

    `title` and `name` are for people: the conference, and what is recorded of it.
    """

    scope: Scope
    recording: RecordingId
    port: Port
    slots: list[SlotName]
    token: str
    title: str
    name: str


class Stills(msgspec.Struct, frozen=True, tag="stills"):
    """Receive `slots` of `port` by WHEP with `token`: slot by slot the cameras of `sites`. Tell of
    each, every few seconds, a `Still`."""

    scope: Scope
    port: Port
    slots: list[SlotName]
    sites: list[SiteCode]
    token: str


class Mix(msgspec.Struct, frozen=True, tag="mix"):
    """Receive `slots` of `port` by WHEP, and publish what is heard there, as one stream, as `port`
    by WHIP, both with `token`."""

    scope: Scope
    port: Port
    slots: list[SlotName]
    token: str


Order = Record | Stills | Mix


class Orders(msgspec.Struct, frozen=True, tag="orders"):
    """All that is wanted, from now on. What is not named is to end."""

    orders: list[Order] = []


class WorkerSessionClosed(msgspec.Struct, frozen=True, tag="session_closed"):
    """The bridge ended a session of the worker's: open another, if it is still wanted."""

    session: SessionId
    reason: str


OrderMessage = Orders | WorkerSessionClosed
