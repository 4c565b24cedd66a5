"""The checking side of a trunk: all ways to the source are tried, the first that works is kept.

Pure. RFC 8445 for a full agent whose peer is ICE-lite: every pair of our addresses and the source's
candidates is checked at once, and the first answer nominates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.ice import (
    Credentials,
    IceEvent,
    IceOutput,
    Path,
    PathAdded,
    Respond,
    Selected,
    StateChanged,
    Tick,
)
from bridge.icecheck import Answer as CheckAnswer
from bridge.icecheck import Changed, Check, IceChecker, Output, Received
from bridge.icecheck import Tick as CheckTick
from signaling.wire.errors import WireError

CLOSED_AFTER_S = 30.0
"""Seconds without an answer to our checks after which a trunk is over, as RFC 7675 has it."""
MAX_PAIRS = 16
"""Ways that are tried at most."""

Address = tuple[str, int]


def pairs(hosts: Sequence[str], addresses: Sequence[Address]) -> list[tuple[str, Address]]:
    """Each of our addresses with each of the source's of its family, the source's first choice
    first."""
    found = [
        (host, address)
        for address in addresses
        for host in hosts
        if (":" in host) == (":" in address[0])
    ]
    return list(dict.fromkeys(found))[:MAX_PAIRS]


class TrunkIce:
    """In the shape of `ice.IceLite`. Of several paths the one whose check is answered first is
    taken, and the others are let be; should it fall silent, the trunk ends and is opened anew.

    `random` gives so many octets that nobody can guess.
    """

    def __init__(
        self,
        local: Credentials,
        remote: Credentials,
        paths: Sequence[Path],
        now: float,
        random: Callable[[int], bytes],
    ) -> None:
        self.last_check: float | None = None
        self._checkers = {path: _new_checker(local, remote, path, now, random) for path in paths}
        self._selected: Path | None = None
        self._opened = now
        self._closed = False

    @property
    def paths(self) -> Sequence[Path]:
        """The one that is known to work, once it is."""
        return () if self._selected is None else (self._selected,)

    def restart(self, local: Credentials, remote: Credentials) -> None:
        """A trunk is opened anew instead."""
        raise WireError("not_found", "a trunk has no door of its own")

    def uses(self, now: float, path: Path) -> bool:
        """Whether the source uses this path now."""
        return path == self._selected

    def handle(self, now: float, event: IceEvent) -> list[IceOutput]:
        """Time passes; what else a session tells of its paths means nothing here."""
        if not isinstance(event, Tick) or self._closed:
            return []
        if now >= (self._opened if self.last_check is None else self.last_check) + CLOSED_AFTER_S:
            self._closed = True
            return [StateChanged("closed", "consent_expired")]
        outputs: list[IceOutput] = []
        for path, checker in self._checkers.items():
            if now >= checker.next_deadline():
                outputs += _outputs(path, checker.handle(now, CheckTick()))
        return outputs

    def answered(self, now: float, datagram: bytes, path: Path) -> list[IceOutput]:
        """A STUN message came by this path. One by another path than those that were tried means
        nothing (RFC 8445 §7.2.5.2.1)."""
        checker = self._checkers.get(path)
        if checker is None:
            return []
        before = checker.answered_at
        outputs = _outputs(path, checker.handle(now, Received(datagram)))
        if checker.answered_at != before:
            self.last_check = now
        if checker.state == "connected" and self._selected is None:
            self._selected, self._checkers = path, {path: checker}
        return outputs


def _new_checker(
    local: Credentials,
    remote: Credentials,
    path: Path,
    now: float,
    random: Callable[[int], bytes],
) -> IceChecker:
    tie_breaker = int.from_bytes(random(8), "big")
    return IceChecker(local, remote, tie_breaker, lambda: random(12), now, path.address[:2])


def _outputs(path: Path, changes: Sequence[Output]) -> list[IceOutput]:
    outputs: list[IceOutput] = []
    for change in changes:
        match change:
            case Check(datagram) | CheckAnswer(datagram):
                outputs.append(Respond(datagram, path))
            case Changed("connected"):
                outputs += [PathAdded(path), Selected(path), StateChanged("alive")]
            case Changed("lost"):
                outputs.append(StateChanged("lost", "silent"))
            case Changed():
                pass
    return outputs
