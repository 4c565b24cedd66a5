"""Who may do what: one table, read by everything that asks."""

from __future__ import annotations

from typing import Literal, get_args

from signaling.conference.commands import Command, Create, Join, Lose
from signaling.wire.errors import WireError
from signaling.wire.ids import Role
from signaling.wire.pages import End, Leave, Mute, Preview, Start, Take, Unmute

Action = Literal[
    "create",
    "start",
    "end",
    "preview",
    "take",
    "mute",
    "unmute",
    "join",
    "leave",
    "lose",
    "see_all_sites",
    "see_links",
    "watch_pictures",
]

ACTIONS: tuple[Action, ...] = get_args(Action)

_DIRECTING: frozenset[Action] = frozenset(
    ("create", "start", "end", "preview", "take", "mute", "unmute")
)

ALLOWED: dict[Role, frozenset[Action]] = {
    "administrator": _DIRECTING | {"see_all_sites", "see_links", "watch_pictures"},
    "operator": _DIRECTING | {"see_all_sites", "see_links", "watch_pictures"},
    "technician": frozenset({"see_all_sites"}),
    "secretary": frozenset(),
    "viewer": frozenset(),
    "site": frozenset({"join", "leave", "mute", "unmute"}),
    "system": frozenset({"create", "lose"}),
}
"""Role → actions. A site's `mute` and `unmute` reach its own microphone only (`decide`)."""

_ACTIONS: dict[type[Command], Action] = {
    Create: "create",
    Join: "join",
    Lose: "lose",
    Start: "start",
    End: "end",
    Preview: "preview",
    Take: "take",
    Mute: "mute",
    Unmute: "unmute",
    Leave: "leave",
}


def action(command: Command) -> Action:
    """What a command does, as the table names it."""
    return _ACTIONS[type(command)]


def allowed(role: Role, wanted: Action) -> bool:
    """Whether the table lets `role` do it."""
    return wanted in ALLOWED[role]


def require(role: Role, wanted: Action) -> None:
    """Raises WireError ``forbidden`` unless the table lets `role` do it."""
    if not allowed(role, wanted):
        raise WireError("forbidden", f"{role} may not {wanted}", role=role, action=wanted)
