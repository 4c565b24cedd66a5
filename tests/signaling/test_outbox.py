"""The outbox: bounded, coalescing, state before what refers to it."""

from __future__ import annotations

from signaling.outbox import MAX_REPLIES, Outbox
from signaling.view import View
from signaling.wire.figures import Figures
from signaling.wire.ids import CommandId, SiteCode, SlotName
from signaling.wire.pages import FloorRow, HeartbeatAck, Layers, Named, Patch, Result, Thin


def floor(*sites: str) -> View:
    return {"floor": FloorRow(tuple(Named(SiteCode(site), site) for site in sites))}


class Box:
    """An outbox over a view that the test changes."""

    def __init__(self) -> None:
        self.view = floor()
        self.outbox = Outbox(lambda: self.view)
        self.outbox.opening()

    def now(self, view: View) -> None:
        self.view = view
        self.outbox.changed()


def test_changes_that_were_missed_come_as_one_patch() -> None:
    box = Box()
    box.now(floor("01"))
    box.now(floor("01", "48"))

    assert box.outbox.next() == Patch(1, floor("01", "48"), [])
    assert box.outbox.next() is None


def test_patches_are_numbered_without_gaps() -> None:
    box = Box()
    box.now(floor("01"))
    first = box.outbox.next()
    box.now(floor("01"))
    unchanged = box.outbox.next()
    box.now({})
    last = box.outbox.next()

    assert first == Patch(1, floor("01"), [])
    assert unchanged is None
    assert last == Patch(2, {}, ["floor"])


def test_patch_comes_before_the_result_and_figures_last() -> None:
    box = Box()
    box.outbox.figures(Figures(1.0, {}, {}))
    box.outbox.add(Result(CommandId("one")))
    box.now(floor("01"))

    sent = [box.outbox.next() for _ in range(4)]

    assert [type(message) for message in sent] == [Patch, Result, Figures, type(None)]


def test_of_each_track_only_the_newest_layers_wait() -> None:
    box = Box()
    box.outbox.layers(Layers("camera", ["q"]))
    box.outbox.layers(Layers("slides", ["q"]))
    box.outbox.layers(Layers("camera", ["q", "f"]))
    box.now(floor("01"))

    sent = [box.outbox.next() for _ in range(4)]

    assert isinstance(sent[0], Patch)
    assert sent[1:] == [Layers("camera", ["q", "f"]), Layers("slides", ["q"]), None]


def test_only_the_newest_figures_wait() -> None:
    box = Box()
    box.outbox.figures(Figures(1.0, {}, {}))
    box.outbox.figures(Figures(2.0, {}, {}))

    assert box.outbox.next() == Figures(2.0, {}, {})
    assert box.outbox.next() is None


def test_replies_are_bounded() -> None:
    box = Box()
    for n in range(MAX_REPLIES):
        assert not box.outbox.full
        box.outbox.add(HeartbeatAck(n))

    assert box.outbox.full
    assert box.outbox.next() == HeartbeatAck(0)
    assert not box.outbox.full


def test_only_the_newest_word_about_the_line_waits() -> None:
    box = Box()
    box.outbox.thin(Thin([SlotName("stage:1")]))
    box.outbox.thin(Thin([]))

    assert box.outbox.next() == Thin([])
    assert box.outbox.next() is None
