"""Chromium processes with cameras and microphones of their own, and eyes on their pages.

A process shows the same fake camera in all its pages, so each site gets a process. The camera's
picture carries the site's code (`bridge.endpoint.cellcode`), the microphone its tone.
"""

from __future__ import annotations

import base64
import contextlib
import wave
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from playwright.async_api import Browser, BrowserContext, Page, Playwright

from bridge.endpoint import cellcode

EXECUTABLE = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
SIZE, FRAMES_PER_S = (640, 360), 15
HD = 1280, 720

INSTRUMENTS = """
(() => {
  const peers = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) { super(...args); peers.push(this); }
  };
  const stats = async (kind) => {
    const found = [];
    for (const peer of peers) {
      if (peer.connectionState === 'closed') continue;
      for (const report of (await peer.getStats()).values())
        if (report.type === kind) found.push({...report});
    }
    return found;
  };
  const open = () => peers.filter((peer) => peer.connectionState !== 'closed');
  window.__eyes = {
    stats,
    ways: async () => {
      const found = [];
      for (const peer of open()) {
        const reports = await peer.getStats();
        for (const transport of reports.values()) {
          if (transport.type !== 'transport' || !transport.selectedCandidatePairId) continue;
          const pair = reports.get(transport.selectedCandidatePairId);
          const local = reports.get(pair.localCandidateId);
          found.push(`${local.candidateType} ${local.relayProtocol ?? local.protocol}`);
        }
      }
      return found;
    },
    peersMade: () => peers.length,
    connected: () => open().filter((peer) => peer.connectionState === 'connected').length,
    pixels: (video) => {
      if (!video || !video.videoWidth) return null;
      const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
      const context = canvas.getContext('2d');
      context.drawImage(video, 0, 0);
      const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
      let text = '';
      for (let start = 0; start < data.length; start += 32768)
        text += String.fromCharCode(...data.subarray(start, start + 32768));
      return { width, height, data: btoa(text) };
    },
  };
})();
"""
"""Runs in each page before its own scripts: remembers connections, reads a video's pixels."""


@dataclass(frozen=True)
class Camera:
    """Files that Chromium plays as camera and microphone."""

    picture: Path
    sound: Path

    @classmethod
    def of(
        cls, label: str, name: str, tone_hz: float, folder: Path, size: tuple[int, int] = SIZE
    ) -> Camera:
        """A camera that shows this site's name and code, a microphone that hums its tone."""
        picture, sound = folder / f"{label}.mjpeg", folder / f"{label}.wav"
        _write_picture(picture, label, name, size)
        _write_sound(sound, tone_hz)
        return cls(picture, sound)


def _write_picture(path: Path, label: str, name: str, size: tuple[int, int]) -> None:
    with av.open(str(path), "w", format="mjpeg") as file:
        stream = file.add_stream("mjpeg", rate=FRAMES_PER_S)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p"
        stream.codec_context.bit_rate = 8_000_000
        for counter in range(2 * FRAMES_PER_S):
            drawn = cellcode.picture(label, name, counter, *size)
            frame = av.VideoFrame.from_ndarray(drawn, format="rgb24")
            file.mux(stream.encode(frame.reformat(format="yuvj420p")))
        file.mux(stream.encode(None))


def _write_sound(path: Path, tone_hz: float, seconds: int = 2) -> None:
    at = np.arange(48_000 * seconds) / 48_000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((9_000 * np.sin(2 * np.pi * tone_hz * at)).astype("<i2").tobytes())


@contextlib.asynccontextmanager
async def chromium(
    playwright: Playwright,
    camera: Camera | None = None,
    more_flags: Sequence[str] = (),
    executable: str = EXECUTABLE,
) -> AsyncIterator[Browser]:
    """A Chromium process, with this camera if one is given."""
    flags = [*FLAGS, "--autoplay-policy=no-user-gesture-required", *more_flags]
    if camera is not None:
        flags += [
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={camera.picture}",
            f"--use-file-for-fake-audio-capture={camera.sound}",
        ]
    browser = await playwright.chromium.launch(executable_path=executable, args=flags)
    try:
        yield browser
    finally:
        await browser.close()


async def open_context(browser: Browser, width: int = 1280, height: int = 720) -> BrowserContext:
    """A profile of its own, with the instruments in each of its pages."""
    context = await browser.new_context(
        viewport={"width": width, "height": height}, locale="vi-VN", accept_downloads=True
    )
    await context.add_init_script(INSTRUMENTS)
    return context


async def picture_in(page: Page, selector: str) -> str | None:
    """The label of the site whose picture this video shows at this moment, read from its pixels."""
    shot = await page.evaluate(
        "selector => window.__eyes.pixels(document.querySelector(selector))", selector
    )
    return _label(shot)


async def pictures_in(page: Page, selector: str) -> list[str | None]:
    """The same for all videos that match, in document order."""
    count = await page.locator(selector).count()
    labels = []
    for index in range(count):
        shot = await page.evaluate(
            "([selector, index]) =>"
            " window.__eyes.pixels(document.querySelectorAll(selector)[index])",
            [selector, index],
        )
        labels.append(_label(shot))
    return labels


async def median_colour(page: Page, selector: str) -> np.ndarray | None:
    """Red, green and blue of this video, each its median; None while it shows nothing."""
    shot = await page.evaluate(
        "selector => window.__eyes.pixels(document.querySelector(selector))", selector
    )
    return None if shot is None else np.median(_pixels(shot).reshape(-1, 4)[:, :3], axis=0)


async def stats(page: Page, kind: str, media: str) -> list[dict[str, Any]]:
    """The WebRTC statistics of this type and kind of media, of all open connections of a page."""
    found: list[dict[str, Any]] = await page.evaluate("kind => window.__eyes.stats(kind)", kind)
    return [report for report in found if report.get("kind") == media]


async def ways(page: Page) -> list[str]:
    """How the media of each open connection go: type and protocol of the chosen candidate."""
    found: list[str] = await page.evaluate("window.__eyes.ways()")
    return found


async def total(page: Page, kind: str, media: str, field: str) -> float:
    """A field of those statistics, summed up."""
    return sum(float(report.get(field, 0)) for report in await stats(page, kind, media))


def _label(shot: dict[str, Any] | None) -> str | None:
    if shot is None:
        return None
    found = cellcode.read(_pixels(shot))
    return found[0] if found else None


def _pixels(shot: dict[str, Any]) -> np.ndarray:
    flat = np.frombuffer(base64.b64decode(shot["data"]), dtype=np.uint8)
    return flat.reshape(shot["height"], shot["width"], 4)
