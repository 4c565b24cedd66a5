"""Who may do what, and whose: one table and one rule, read by everything that asks."""

from __future__ import annotations

import unicodedata
from typing import Literal, get_args

from signaling.conference.commands import (
    Command,
    Create,
    DeleteRecording,
    Hear,
    Join,
    Lose,
    LoseStandby,
    NoteRecording,
)
from signaling.wire import commands
from signaling.wire.errors import WireError
from signaling.wire.ids import Role

Action = Literal[
    "create",
    "schedule",
    "rehearse",
    "end_rehearsal",
    "start",
    "recess",
    "resume",
    "end",
    "reopen",
    "preview",
    "take",
    "mute",
    "unmute",
    "raise_hand",
    "lower_hand",
    "lower_all_hands",
    "order_hands",
    "mark_next",
    "give_floor",
    "take_back_floor",
    "end_floor",
    "share",
    "unshare",
    "ask_help",
    "clear_help",
    "promote",
    "record",
    "note_recording",
    "see_recordings",
    "delete_recordings",
    "join",
    "leave",
    "lose",
    "lose_standby",
    "hear",
    "see_all_sites",
    "see_links",
    "see_devices",
    "change_links",
    "see_history",
    "see_stills",
    "watch_pictures",
    "manage_accounts",
]

ACTIONS: tuple[Action, ...] = get_args(Action)

_DIRECTING: frozenset[Action] = frozenset(
    (
        *("create", "schedule", "rehearse", "end_rehearsal", "start", "recess", "resume"),
        *("end", "reopen", "preview", "take", "mute", "unmute", "lower_hand"),
        *("lower_all_hands", "order_hands", "mark_next", "give_floor", "take_back_floor"),
        *("end_floor", "clear_help", "promote", "see_all_sites", "see_links", "change_links"),
        "see_devices",
        *(
            "see_history",
            "see_stills",
            "watch_pictures",
            "record",
            "see_recordings",
            "delete_recordings",
        ),
    )
)

ALLOWED: dict[Role, frozenset[Action]] = {
    "administrator": _DIRECTING | {"manage_accounts"},
    "operator": _DIRECTING,
    "technician": frozenset(
        {"see_all_sites", "see_devices", "see_history", "see_stills", "clear_help", "promote"}
    ),
    "secretary": frozenset({"see_all_sites", "see_recordings"}),
    "viewer": frozenset(),
    "site": frozenset(
        (
            *("join", "leave", "mute", "unmute", "raise_hand", "lower_hand", "ask_help"),
            *("clear_help", "share", "unshare"),
        )
    ),
    "system": frozenset({"create", "lose", "lose_standby", "hear", "note_recording"}),
}
"""Role → actions. What a site may do reaches its own seat only (`decide`)."""

_ACTIONS: dict[type[Command], Action] = {
    Create: "create",
    Join: "join",
    Lose: "lose",
    LoseStandby: "lose_standby",
    Hear: "hear",
    commands.Schedule: "schedule",
    commands.Rehearse: "rehearse",
    commands.EndRehearsal: "end_rehearsal",
    commands.Start: "start",
    commands.Recess: "recess",
    commands.Resume: "resume",
    commands.End: "end",
    commands.Reopen: "reopen",
    commands.Preview: "preview",
    commands.Take: "take",
    commands.Mute: "mute",
    commands.Unmute: "unmute",
    commands.RaiseHand: "raise_hand",
    commands.LowerHand: "lower_hand",
    commands.LowerAllHands: "lower_all_hands",
    commands.OrderHands: "order_hands",
    commands.MarkNext: "mark_next",
    commands.GiveFloor: "give_floor",
    commands.TakeBackFloor: "take_back_floor",
    commands.EndFloor: "end_floor",
    commands.Share: "share",
    commands.Unshare: "unshare",
    commands.AskHelp: "ask_help",
    commands.ClearHelp: "clear_help",
    commands.Promote: "promote",
    commands.StartRecording: "record",
    commands.StopRecording: "record",
    NoteRecording: "note_recording",
    DeleteRecording: "delete_recordings",
    commands.Leave: "leave",
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


def reaches(organizer: str | None, owned_by: str) -> bool:
    """Whether an account of `organizer` reaches what belongs to the organizer `owned_by`.

    None is every organizer's. Names are equal letter for letter, however their marks are encoded.
    """
    if organizer is None:
        return True
    return unicodedata.normalize("NFC", organizer) == unicodedata.normalize("NFC", owned_by)
