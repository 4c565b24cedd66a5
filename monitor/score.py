"""How good is a connection, from 0 to 1? Pure.

The transmission rating R of the E-model (ITU-T G.107), reduced to what a network does to a call:

    R = 93.2 − Id − Ie,eff        quality = R / 93.2

`Id` is what delay costs (the linear fit of Cole and Rosenbluth, *Voice over IP performance
monitoring*, ACM CCR 31, 2001): 0.024 a millisecond, and 0.11 more beyond 177.3 ms. `Ie,eff` is what
loss costs (G.107 §7.3): 95 · Ppl / (Ppl + Bpl), with Ppl in percent and Bpl = 25.1 of a codec that
conceals loss (G.113 appendix I). The model knows no pictures: a picture that stands still takes
away its share of the time, which is our own addition.
"""

from __future__ import annotations

from typing import NamedTuple

BEST_R = 93.2
CODEC_DELAY_S = 0.04
"""A 20 ms frame and its look-ahead, and the way through sound card and mixer."""
_BPL = 25.1


class Impairments(NamedTuple):
    """What is known of a connection; None where nothing is. Ratios are 0–1."""

    loss_ratio: float | None = None
    rtt_s: float | None = None
    jitter_s: float | None = None
    freeze_ratio: float | None = None


def quality(seen: Impairments) -> float | None:
    """0 (useless) to 1 (nothing to be heard or seen of the network); None if nothing is known."""
    if all(figure is None for figure in seen):
        return None
    rating = BEST_R - delay_cost(seen.rtt_s or 0.0, seen.jitter_s or 0.0)
    rating -= loss_cost(seen.loss_ratio or 0.0)
    moving = 1.0 - _ratio(seen.freeze_ratio or 0.0)
    return _ratio(rating / BEST_R) * moving


def delay_cost(rtt_s: float, jitter_s: float) -> float:
    """Points of R. One way is half the round trip; a jitter buffer holds twice the jitter."""
    one_way_ms = 1000 * (max(0.0, rtt_s) / 2 + 2 * max(0.0, jitter_s) + CODEC_DELAY_S)
    return 0.024 * one_way_ms + 0.11 * max(0.0, one_way_ms - 177.3)


def loss_cost(loss_ratio: float) -> float:
    """Points of R."""
    percent = 100 * _ratio(loss_ratio)
    # percent / (percent + Bpl), so that rounding never turns more loss into less
    return 95 * (1 - _BPL / (percent + _BPL))


def _ratio(value: float) -> float:
    return min(1.0, max(0.0, value))
