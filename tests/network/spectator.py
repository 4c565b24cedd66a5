"""Real Chromium at the far end of a cable: it receives slots, and says what it saw."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

from tests.browser.chromium import EXECUTABLE, FLAGS
from tests.network.cable import Cable

_PAGE = """
<body>
<script>
window.offer = async (medias) => {
  window.peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const media of medias) peer.addTransceiver(media, { direction: 'recvonly' });
  peer.ontrack = ({ track }) => {
    const element = document.createElement(track.kind);
    element.autoplay = true;
    element.srcObject = new MediaStream([track]);
    document.body.append(element);
  };
  await peer.setLocalDescription();
  return peer.localDescription.sdp;
};
window.seen = async () => {
  const all = [];
  for (const one of (await peer.getStats()).values())
    if (one.type === 'inbound-rtp') all.push({ ...one });
  return all;
};
</script>
"""


@dataclass(frozen=True)
class Seen:
    """Totals of what a page received, from its own WebRTC statistics.

    `samples` and `concealed` are of sound: all that were played, and those that were made up
    because nothing came in time (silence of before the first packet is not counted by Chromium).
    `width` is that of the last picture of each video stream.
    """

    frames: int
    samples: int
    concealed: int
    audio_packets: int
    freezes: int
    frozen_s: float
    jitter_buffer_s: float
    widths: tuple[int, ...]

    def since(self, before: Seen) -> Seen:
        """The difference to an earlier look."""
        return Seen(
            self.frames - before.frames,
            self.samples - before.samples,
            self.concealed - before.concealed,
            self.audio_packets - before.audio_packets,
            self.freezes - before.freezes,
            self.frozen_s - before.frozen_s,
            self.jitter_buffer_s,
            self.widths,
        )

    @property
    def concealed_ratio(self) -> float:
        """Of the sound; 1 if there was none."""
        return self.concealed / self.samples if self.samples else 1.0


class Spectator:
    """A page that receives. Call `offer`, hand it to a node, and `accept` its answer."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.silent: tuple[str, ...] = ()

    async def offer(self, medias: Sequence[str]) -> str:
        """Its offer, with a receive section for each of these, and without the lines that have one
        of `silent`."""
        text: str = await self.page.evaluate("medias => offer(medias)", list(medias))
        lines = text.splitlines(keepends=True)
        return "".join(one for one in lines if not any(word in one for word in self.silent))

    async def accept(self, answer: str) -> None:
        """Take the answer; media flow soon after."""
        await self.page.evaluate(
            "sdp => peer.setRemoteDescription({ type: 'answer', sdp })", answer
        )

    async def seen(self) -> Seen:
        """What it received so far."""
        found: list[dict[str, Any]] = await self.page.evaluate("seen()")
        video = [one for one in found if one["kind"] == "video"]
        audio = [one for one in found if one["kind"] == "audio"]
        played = sum(one.get("jitterBufferEmittedCount", 0) for one in audio)
        return Seen(
            frames=sum(one.get("framesDecoded", 0) for one in video),
            samples=sum(one.get("totalSamplesReceived", 0) for one in audio),
            concealed=sum(
                one.get("concealedSamples", 0) - one.get("silentConcealedSamples", 0)
                for one in audio
            ),
            audio_packets=sum(one.get("packetsReceived", 0) for one in audio),
            freezes=sum(one.get("freezeCount", 0) for one in video),
            frozen_s=sum(one.get("totalFreezesDuration", 0.0) for one in video),
            jitter_buffer_s=(
                sum(one.get("jitterBufferDelay", 0.0) for one in audio) / played if played else 0.0
            ),
            widths=tuple(one.get("frameWidth", 0) for one in video),
        )


@contextlib.asynccontextmanager
async def spectator(cable: Cable, folder: Path) -> AsyncIterator[Spectator]:
    """A Chromium process at the far end."""
    script = cable.wrapped(cable.far, EXECUTABLE, folder)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=script,
            args=[*FLAGS, "--autoplay-policy=no-user-gesture-required"],
        )
        try:
            page = await browser.new_page()
            await page.set_content(_PAGE)
            yield Spectator(page)
        finally:
            await browser.close()
