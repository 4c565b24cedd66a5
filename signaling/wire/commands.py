"""What a person asks of a conference, by a page: one struct for each command.

Who may do what is the table in ``docs/protocol.md``, and `signaling.permissions`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from signaling.wire.ids import SiteCode

Layout = Literal["single", "grid"]
Site = Annotated[str, msgspec.Meta(min_length=1, max_length=16)]
Sites = Annotated[list[Site], msgspec.Meta(max_length=200)]


class Scene(msgspec.Struct, frozen=True):
    """A picture: which sites, drawn how. ``single`` shows one site, ``grid`` two to four.

    With `slides`, that site's shared screen is the large picture and at most three sites stand
    beside it. Sites whose slides do not come are shown as if there were none.
    """

    layout: Layout
    seats: Annotated[tuple[SiteCode, ...], msgspec.Meta(max_length=16)]
    slides: SiteCode | None = None


class Schedule(msgspec.Struct, frozen=True, tag="schedule"):
    """A draft is ready: from now on its links let sites in."""


class Rehearse(msgspec.Struct, frozen=True, tag="rehearse"):
    """Open the trial run; media flows as when live."""


class EndRehearsal(msgspec.Struct, frozen=True, tag="end_rehearsal"):
    """Close the trial run: hands, floor, program and microphones are as before it."""


class Start(msgspec.Struct, frozen=True, tag="start"):
    """Open the conference: from now on sites receive the program."""


class Recess(msgspec.Struct, frozen=True, tag="recess"):
    """Break; sites receive nothing until `Resume`."""


class Resume(msgspec.Struct, frozen=True, tag="resume"):
    """The break is over."""


class End(msgspec.Struct, frozen=True, tag="end"):
    """Close the conference for all."""


class Reopen(msgspec.Struct, frozen=True, tag="reopen"):
    """Take back an `End` that came too early; for half an hour."""


class Preview(msgspec.Struct, frozen=True, tag="preview"):
    """Prepare a picture; tells no site anything."""

    scene: Scene | None


class Take(msgspec.Struct, frozen=True, tag="take"):
    """Put this scene on air. It names its target, so a retry can do no harm."""

    scene: Scene


class Mute(msgspec.Struct, frozen=True, tag="mute"):
    """Shut a site's microphone: an operator's flag, or the site's own when a site says it."""

    site: Site


class Unmute(msgspec.Struct, frozen=True, tag="unmute"):
    """Lift the flag that `Mute` of the same sender sets."""

    site: Site


class RaiseHand(msgspec.Struct, frozen=True, tag="raise_hand"):
    """This site asks to speak; it joins the end of the queue."""


class LowerHand(msgspec.Struct, frozen=True, tag="lower_hand"):
    """Leave the queue: a site its own place, an operator anyone's."""

    site: Site


class LowerAllHands(msgspec.Struct, frozen=True, tag="lower_all_hands"):
    """Empty the queue."""


class OrderHands(msgspec.Struct, frozen=True, tag="order_hands"):
    """Put the queue into this order; it names exactly the sites that are in it."""

    sites: Sites


class MarkNext(msgspec.Struct, frozen=True, tag="mark_next"):
    """Tell a site that it speaks next; None takes it back."""

    site: Site | None


class GiveFloor(msgspec.Struct, frozen=True, tag="give_floor"):
    """One act: the site goes on air, its operator's mute is lifted, its hand is lowered, its
    speaking time begins; who spoke before is muted."""

    site: Site


class TakeBackFloor(msgspec.Struct, frozen=True, tag="take_back_floor"):
    """Undo the last `GiveFloor`: program, microphones, queue and speaker as before it."""


class EndFloor(msgspec.Struct, frozen=True, tag="end_floor"):
    """The speaker has finished: muted if remote, and the centre is on air."""


class Share(msgspec.Struct, frozen=True, tag="share"):
    """This site offers a screen or window as its second picture; an operator may take it."""


class Unshare(msgspec.Struct, frozen=True, tag="unshare"):
    """It does no longer, and leaves the program and the preview with it."""


class AskHelp(msgspec.Struct, frozen=True, tag="ask_help"):
    """This site calls a technician."""


class ClearHelp(msgspec.Struct, frozen=True, tag="clear_help"):
    """The call is answered, or taken back by the site itself."""

    site: Site


class Promote(msgspec.Struct, frozen=True, tag="promote"):
    """The site's standby device takes the seat; it starts muted."""

    site: Site


class StartRecording(msgspec.Struct, frozen=True, tag="start_recording"):
    """Record the program, and each of these sites as it is heard; while recording, choose them
    anew."""

    sites: Sites = []


class StopRecording(msgspec.Struct, frozen=True, tag="stop_recording"):
    """End the recording; what is stored stays."""


class Leave(msgspec.Struct, frozen=True, tag="leave"):
    """This device gives up its seat."""


PageCommand = (
    Schedule
    | Rehearse
    | EndRehearsal
    | Start
    | Recess
    | Resume
    | End
    | Reopen
    | Preview
    | Take
    | Mute
    | Unmute
    | RaiseHand
    | LowerHand
    | LowerAllHands
    | OrderHands
    | MarkNext
    | GiveFloor
    | TakeBackFloor
    | EndFloor
    | Share
    | Unshare
    | AskHelp
    | ClearHelp
    | Promote
    | StartRecording
    | StopRecording
    | Leave
)
