"""Which layers of each port's pictures are worth sending, as the bridge nodes last said. Pure.

Nothing of this is stored: a node says all of it again after its hello.
"""

from __future__ import annotations

from signaling.wire.control import LayersWanted
from signaling.wire.ids import NodeId, Port, Scope, Track


class WantedLayers:
    """What was said, by port; of a port that publishes on another node now, the newer word."""

    def __init__(self) -> None:
        self._said: dict[tuple[Scope, Port], dict[Track, tuple[NodeId, LayersWanted]]] = {}

    def heard(self, node: NodeId, wanted: LayersWanted) -> None:
        """A node has said it."""
        tracks = self._said.setdefault((wanted.scope, wanted.port), {})
        tracks[wanted.track] = node, wanted

    def of(self, scope: Scope, port: Port) -> list[LayersWanted]:
        """What is known of a port; of tracks of a single layer nothing is ever said."""
        return [wanted for _, wanted in self._said.get((scope, port), {}).values()]

    def forget_port(self, scope: Scope, port: Port) -> None:
        """The port publishes no more."""
        self._said.pop((scope, port), None)

    def forget_node(self, node: NodeId) -> None:
        """The node says hello: what it said before is void."""
        for key, tracks in list(self._said.items()):
            kept = {track: said for track, said in tracks.items() if said[0] != node}
            if kept:
                self._said[key] = kept
            else:
                del self._said[key]
