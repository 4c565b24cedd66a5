"""FFmpeg's WHIP muxer as a room's encoder: H.264 and Opus, deaf to keyframe requests."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import itertools
import threading
import time
from collections.abc import AsyncIterator, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bridge.endpoint import cellcode
from signaling.wire.rest import SiteDevices

WIDTH, HEIGHT, FRAMES_PER_S = 320, 180, 15
_SAMPLES = 960


def write_pair(folder: Path) -> dict[str, str]:
    """A P-256 key and its certificate, as the muxer's options."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "encoder")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    files = {"cert_file": folder / "encoder.crt", "key_file": folder / "encoder.key"}
    files["cert_file"].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files["key_file"].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return {option: str(path) for option, path in files.items()}


class Encoder:
    """Sends a picture that names its site, and a tone, until it is told to stop.

    `keyframes_s` is the time from one keyframe to the next.
    """

    def __init__(self, devices: SiteDevices, folder: Path, keyframes_s: float) -> None:
        self._devices = devices
        self._options = write_pair(folder) | {"authorization": devices.publish_token}
        self._gop = round(keyframes_s * FRAMES_PER_S)
        self._stop = threading.Event()

    def stop(self) -> None:
        """End after the frame in hand."""
        self._stop.set()

    def run(self) -> None:
        """Blocks. Raises av.FFmpegError: the door refused, or the connection broke."""
        with av.open(self._devices.whip, "w", format="whip", options=self._options) as door:
            video = door.add_stream("libx264", rate=FRAMES_PER_S)
            video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            video.codec_context.gop_size = self._gop
            video.codec_context.options = {
                "profile": "baseline",
                "preset": "ultrafast",
                "tune": "zerolatency",
                "bf": "0",
                "sc_threshold": "0",
            }
            video.codec_context.bit_rate = 300_000
            audio = door.add_stream("libopus", rate=48_000, layout="stereo")
            # the muxer takes no header in the stream: it sends the sets with each keyframe
            video.codec_context.flags |= av.codec.context.Flags.global_header
            began = time.monotonic()
            pictures, tones = self._pictures(), self._tones()
            shown = heard = 0
            while not self._stop.is_set():
                elapsed = time.monotonic() - began
                if shown <= elapsed * FRAMES_PER_S:
                    door.mux(video.encode(next(pictures)))
                    shown += 1
                elif heard * _SAMPLES <= elapsed * 48_000:
                    door.mux(audio.encode(next(tones)))
                    heard += 1
                else:
                    self._stop.wait(0.005)

    def _pictures(self) -> Iterator[av.VideoFrame]:
        for counter in itertools.count():
            drawn = cellcode.picture(
                self._devices.site, self._devices.name, counter & 0xFFFF, WIDTH, HEIGHT
            )
            frame = av.VideoFrame.from_ndarray(drawn, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = counter, Fraction(1, FRAMES_PER_S)
            yield frame

    def _tones(self) -> Iterator[av.AudioFrame]:
        for index in itertools.count():
            at = np.arange(index * _SAMPLES, (index + 1) * _SAMPLES) / 48_000
            wave = (8_000 * np.sin(2 * np.pi * 700 * at)).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None, :], "s16", "stereo")
            frame.sample_rate, frame.pts = 48_000, index * _SAMPLES
            frame.time_base = Fraction(1, 48_000)
            yield frame


@contextlib.asynccontextmanager
async def encoding(
    devices: SiteDevices, folder: Path, keyframes_s: float = 0.5
) -> AsyncIterator[None]:
    """An encoder at work; what ends it early fails the test."""
    encoder = Encoder(devices, folder, keyframes_s)
    work = asyncio.create_task(asyncio.to_thread(encoder.run))
    try:
        yield
    finally:
        encoder.stop()
        await work
