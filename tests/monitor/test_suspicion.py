"""All sites of a node at once, or one after the other: whose fault is it?"""

from __future__ import annotations

from monitor.board import Board, Change, NodeSuspected, SiteEdge
from signaling.wire.ids import ConferenceId, NodeId, SiteCode
from signaling.wire.samples import ConferenceOpened, NodeHeard, SiteHeard, SiteMedia
from tests.monitor.room import session

A, NODE = ConferenceId("a"), NodeId("node-1")


class Conference:
    """Sites of one node, each of which is heard as long as the test says so."""

    def __init__(self, sites: int) -> None:
        self.board = Board()
        self.codes = [SiteCode(f"{number:02d}") for number in range(1, sites + 1)]
        self.heard = dict.fromkeys(self.codes, 0.0)
        self.now = 0.0
        self.changes: list[Change] = []
        self.suspects: list[list[str]] = []
        self.board.handle(0.0, ConferenceOpened(A, self.codes, 0.0))
        for _ in range(3):
            self.second(self.codes)
        self.changes.clear()

    def second(self, alive: list[SiteCode], seconds: float = 1.0) -> None:
        """So long until the node's next report, in which these are heard."""
        until = self.now + seconds
        while self.now < until - 0.5:
            self.now += 0.5
            self.tick()
        self.now = until
        self.board.handle(self.now, NodeHeard(NODE, self.now))
        for code in self.codes:
            if code in alive:
                self.heard[code] = self.now
            age = self.now - self.heard[code]
            self.board.handle(self.now, SiteHeard(A, code, self.now))
            self.board.handle(
                self.now, SiteMedia(A, code, NODE, self.now, session(consent=age, media=age), None)
            )
        self.tick()

    def tick(self) -> None:
        changes, reports = self.board.tick(self.now)
        self.changes += changes
        self.suspects += [report.suspects for report in reports]

    @property
    def lost(self) -> list[SiteCode]:
        return [
            change.site
            for change in self.changes
            if isinstance(change, SiteEdge) and change.edge.after == "lost"
        ]

    @property
    def suspicions(self) -> list[bool]:
        return [one.suspected for one in self.changes if isinstance(one, NodeSuspected)]


def test_when_all_sites_of_a_node_fall_silent_the_node_is_named_and_no_site() -> None:
    house = Conference(5)
    for _ in range(10):
        house.second([])
    assert house.lost == []
    assert house.suspicions == [True]
    assert house.suspects[-1] == ["node-1"]
    for _ in range(3):
        house.second(house.codes)
    assert house.lost == []
    assert house.suspicions == [True, False]
    assert house.suspects[-1] == []


def test_a_report_that_comes_late_says_nothing_of_the_node() -> None:
    house = Conference(5)
    for _ in range(3):
        house.second(house.codes, seconds=2.4)
    assert house.suspicions == []


def test_one_report_of_silence_is_a_node_that_stood_still() -> None:
    house = Conference(5)
    house.second([], seconds=2.0)
    house.second(house.codes)
    house.second([])
    house.second(house.codes)
    assert house.suspicions == []
    assert house.lost == []


def test_when_all_but_one_fall_silent_it_is_the_sites() -> None:
    house = Conference(5)
    for _ in range(6):
        house.second(house.codes[:1])
    assert house.lost == house.codes[1:]
    assert house.suspicions == []


def test_sites_that_fall_silent_one_after_the_other_are_blamed() -> None:
    house = Conference(4)
    for number in range(1, 5):
        house.second(house.codes[number:])
        house.second(house.codes[number:])
    for _ in range(6):
        house.second([])
    assert sorted(house.lost) == house.codes
    assert house.suspicions == []


def test_two_sites_are_too_few_to_blame_the_node() -> None:
    house = Conference(2)
    for _ in range(6):
        house.second([])
    assert house.lost == house.codes


def test_those_who_do_not_return_with_the_others_are_blamed_afterwards() -> None:
    house = Conference(4)
    for _ in range(8):
        house.second([])
    for _ in range(6):
        house.second(house.codes[:3])
    assert house.lost == house.codes[3:]


def test_a_node_is_not_excused_for_ever() -> None:
    house = Conference(3)
    for _ in range(60):
        house.second([])
    assert house.lost == []
    for _ in range(10):
        house.second([])
    assert house.lost == house.codes
    assert house.suspicions == [True, False]
    for _ in range(3):
        house.second(house.codes)
    for _ in range(3):
        house.second([])
    assert house.suspicions == [True, False, True]
