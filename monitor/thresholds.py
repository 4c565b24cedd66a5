"""When a verdict about a site changes: one table, each row with its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Names ending in ``_s`` are seconds, in ``_in_a_row`` node reports (one a second), in
    ``_below`` the quality of `monitor.score` (0–1).

    | | Why this much |
    | --- | --- |
    | `fresh_s` | two reports: RTP that is younger flows (50 sound packets a second, 5 in DTX) |
    | `lost_after_s` | a page that reloads is back within 2 s; a person must know within 5 s |
    | `receiver_lost_after_s` | who only receives shows life by ICE consent, at most 6 s apart
      (RFC 7675 §5.1) |
    | `good_in_a_row` | one report may be a last packet that was under way |
    | `control_lost_after_s` | two heartbeats of 2 s missing, and half a second for the way |
    | `node_speaks_s` | a node's report counts for the time until the next, and half a second |
    | `node_stale_s` | two reports missing: the node's silence is its own |
    | `fair_below`, `poor_below` | R of 80 and 60, where users begin to be dissatisfied, and nearly
      all are (ITU-T G.109, table 1), as a share of the best R, 93.2 |
    | `worse_in_a_row` | a keyframe burst or one lost sound packet is over in a second or two |
    | `better_in_a_row` | slower up than down, so that a weak line does not flicker |
    | `report_valid_s` | a page's statistics come every 5 s; three missing are silence |
    | `picture_valid_s` | a picture is looked at every 8 s or so; two missing are silence |
    | `refused_valid_s` | an encoder that was refused tries again within half a minute |
    | `pardon_s` | how long a silent node may speak for its sites; then they are lost all the same |
    """

    fresh_s: float = 2.0
    lost_after_s: float = 3.5
    receiver_lost_after_s: float = 7.5
    good_in_a_row: int = 2
    control_lost_after_s: float = 4.5
    node_speaks_s: float = 1.5
    node_stale_s: float = 2.5
    fair_below: float = 80 / 93.2
    poor_below: float = 60 / 93.2
    worse_in_a_row: int = 5
    better_in_a_row: int = 8
    report_valid_s: float = 15.0
    picture_valid_s: float = 20.0
    refused_valid_s: float = 60.0
    pardon_s: float = 60.0
