"""What a page wants to see and hear beside the program. It is its socket's and is not stored."""

from __future__ import annotations

from dataclasses import dataclass

from signaling.wire.ids import SiteCode


@dataclass(frozen=True, slots=True)
class Wishes:
    """`watch`: the sites in its thumbnail slots, None before it has said so; `cue`: the site whose
    microphone a director listens to."""

    watch: tuple[SiteCode, ...] | None = None
    cue: SiteCode | None = None
