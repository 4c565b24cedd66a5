"""Real Chromium at the far end of a cable that publishes what it draws, and receives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bridge.mediasocket import MediaAddress
from signaling.wire.control import SessionOpened
from signaling.wire.ids import parse_slots
from tests.bridge.house import House
from tests.network.cable import NEAR, Cable
from tests.network.spectator import Seen, Spectator

_PUBLISH = """
async () => {
  const canvas = document.createElement('canvas');
  canvas.width = 320; canvas.height = 180;
  document.body.append(canvas);
  const context = canvas.getContext('2d');
  let number = 0;
  setInterval(() => {
    context.fillStyle = `hsl(${number++ * 7 % 360}, 80%, 50%)`;
    context.fillRect(0, 0, 320, 180);
  }, 50);
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const sink = audio.createMediaStreamDestination();
  tone.connect(sink);
  tone.start();
  window.camera = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const stream of [sink.stream, canvas.captureStream(20)])
    for (const track of stream.getTracks())
      camera.addTransceiver(track, { direction: 'sendonly' });
  await camera.setLocalDescription();
  return camera.localDescription.sdp;
}
"""
_WAYS = """
async () => {
  const found = [];
  for (const one of [camera, peer]) {
    const reports = await one.getStats();
    for (const report of reports.values()) {
      if (report.type !== 'transport' || !report.selectedCandidatePairId) continue;
      const pair = reports.get(report.selectedCandidatePairId);
      found.push(reports.get(pair.localCandidateId).protocol);
    }
  }
  return found;
}
"""


@contextlib.contextmanager
def house_at(cable: Cable, *, tcp: bool = True) -> Iterator[House]:
    """A node at the near end."""
    with cable.inside(cable.near):
        house = House(announce=[MediaAddress(NEAR, 0, tcp_port=0 if tcp else None)])
    try:
        yield house
    finally:
        house.node.close()


@dataclass(frozen=True)
class Studio:
    """A page that publishes as `48/main`, and receives its own picture and sound as `op/1`."""

    page: Spectator
    house: House

    async def open(self, *, ports: dict[int, int] | None = None) -> None:
        """Open both sessions; `ports` of the node that the page shall know as others."""
        camera = await self.page.page.evaluate(_PUBLISH)
        answer = self._answer("48/main", "publish", camera, "", ports)
        await self.page.page.evaluate(
            "sdp => camera.setRemoteDescription({ type: 'answer', sdp })", answer
        )
        screen = await self.page.offer(["video", "audio"])
        await self.page.accept(self._answer("op/1", "receive", screen, "stage:1,floor:1", ports))
        self.house.route(
            ("op/1", "stage:1", "48/main", "camera"), ("op/1", "floor:1", "48/main", "mic")
        )

    def _answer(
        self, port: str, direction: Any, offer: str, slots: str, ports: dict[int, int] | None
    ) -> str:
        reply = self.house.open(port, direction, offer, parse_slots(slots) if slots else ())
        assert isinstance(reply, SessionOpened), reply
        answer = reply.answer
        for own, known in (ports or {}).items():
            answer = answer.replace(f" {own} typ host", f" {known} typ host")
        return answer

    async def ways(self) -> list[str]:
        """The protocol of each connection, publishing first."""
        found: list[str] = await self.page.page.evaluate(_WAYS)
        return found

    async def more(self, frames: int = 20, limit_s: float = 40.0) -> Seen:
        """Wait until so many more frames and some sound have come; what was seen on the way."""
        before = await self.page.seen()
        async with asyncio.timeout(limit_s):
            while True:
                seen = (await self.page.seen()).since(before)
                if seen.frames >= frames and seen.audio_packets >= frames:
                    return seen
                await asyncio.sleep(0.1)
