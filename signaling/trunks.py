"""One conference on several nodes: which node needs whose streams from which other. Pure.

A *trunk* brings one published port from the node that has it (its source) to another that has
receivers of the same scope. To the source it is one more WHEP session, with a slot for the sound,
one for the small picture, one for the large one and one for slides; to the other it publishes the
port, as if its owner were there. Trunks stand for every port that is published, so that a take
opens nothing; what flows in them is routes, like everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from signaling.routing import Crosspoint, Source
from signaling.sessions import Session, newest
from signaling.wire.control import TRUNK_SLOTS
from signaling.wire.ids import NodeId, Port, SlotName, slot_kind
from signaling.wire.ports import floor_position

_PREFIX = "trunk/"
_SOUND, _SMALL, _LARGE, _SLIDES = TRUNK_SLOTS
_LARGE_KINDS = ("stage", "preview")


@dataclass(frozen=True, slots=True)
class Trunk:
    """`port`, which is published on `source`, is wanted on `node`."""

    node: NodeId
    port: Port
    source: NodeId

    @property
    def receiver(self) -> Port:
        """What the trunk is called on its source, where it receives."""
        return Port(f"{_PREFIX}{self.node}/{self.port}")


def is_trunk(port: Port) -> bool:
    """Whether this is the receiving end of a trunk."""
    return port.startswith(_PREFIX)


def node_of(receiver: Port) -> NodeId:
    """The node that a trunk leads to, from its name on its source."""
    return NodeId(receiver.removeprefix(_PREFIX).partition("/")[0])


def wanted(sessions: Iterable[Session]) -> set[Trunk]:
    """The trunks that the sessions of one scope need: each published port on every node that has
    receivers, the port's own node apart."""
    own = [one for one in sessions if one.relayed_from is None and not is_trunk(one.port)]
    receiving = {one.node for one in own if one.direction == "receive"}
    published = [
        one for one in newest(own) if one.direction == "publish" and one.state == "connected"
    ]
    return {
        Trunk(node, one.port, one.node)
        for one in published
        for node in receiving
        if node != one.node
    }


def routes(
    trunks: Iterable[Trunk],
    table: Mapping[Crosspoint, Source],
    homes: Mapping[Port, NodeId],
    speakers: Iterable[Port] = (),
) -> dict[Crosspoint, Source]:
    """What flows in the trunks, so that each receiver of `table` finds its sources on its own node.

    `homes` says which node a receiving port is on. `speakers` are microphones that may be heard
    wherever anybody hears the floor.
    """
    needs: dict[tuple[NodeId, Source], set[SlotName]] = {}
    hearing: set[NodeId] = set()
    for (port, slot), source in table.items():
        node = homes.get(port)
        if node is None:
            continue
        needs.setdefault((node, source), set()).add(slot)
        if floor_position(source[0]) is not None:
            hearing.add(node)
    for node in hearing:
        for speaker in speakers:
            needs.setdefault((node, (speaker, "mic")), set()).add(_SOUND)
    return {
        (trunk.receiver, slot): source
        for trunk in trunks
        for slot, source in _of(trunk, needs)
    }  # fmt: skip


def _of(
    trunk: Trunk, needs: Mapping[tuple[NodeId, Source], set[SlotName]]
) -> Iterable[tuple[SlotName, Source]]:
    if (trunk.node, (trunk.port, "mic")) in needs:
        yield _SOUND, (trunk.port, "mic")
    if (trunk.node, (trunk.port, "slides")) in needs:
        yield _SLIDES, (trunk.port, "slides")
    pictures = needs.get((trunk.node, (trunk.port, "camera")))
    if pictures:
        # the small one comes at once and is always on; the large one follows where it is wanted
        yield _SMALL, (trunk.port, "camera")
        if any(slot_kind(slot) in _LARGE_KINDS for slot in pictures):
            yield _LARGE, (trunk.port, "camera")
