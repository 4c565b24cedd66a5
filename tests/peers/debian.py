"""Debian's `simple-whip-client` as a room's encoder: GStreamer, Opus, and VP8 or H.264; RSA.

The H.264 is a film that was coded before. GStreamer leaves its parameter sets in the offer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import av
from PIL import Image

from bridge.endpoint import cellcode
from signaling.wire.rest import SiteDevices

CLIENT = "whip-client"
_NO_IGD = """
void *gupnp_simple_igd_thread_new(void) { return 0; }
void gupnp_simple_igd_add_port(void) {}
void gupnp_simple_igd_remove_port_local(void) {}
unsigned long gupnp_simple_igd_get_type(void) { return 0; }
"""
"""In place of the library that looks for a home router: where there is no D-Bus it aborts."""


def _library(folder: Path) -> Path:
    source, built = folder / "igd.c", folder / "libgupnp-igd-1.0.so.4"
    source.write_text(_NO_IGD)
    compiler = shutil.which("cc")
    assert compiler is not None, "no C compiler: run `deploy/prepare test`"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", built, source], check=True)
    return built.parent


def _card(devices: SiteDevices, folder: Path) -> str:
    picture = folder / "card.png"
    Image.fromarray(cellcode.picture(devices.site, devices.name, 1)).save(picture)
    return (
        f'multifilesrc location={picture} loop=true caps="image/png,framerate=10/1" ! pngdec'
        " ! videoconvert ! videorate ! video/x-raw,framerate=10/1"
        " ! vp8enc deadline=1 cpu-used=8 target-bitrate=300000 keyframe-max-dist=10"
        " ! rtpvp8pay pt=96 ssrc=2 ! queue"
        " ! application/x-rtp,media=video,encoding-name=VP8,payload=96"
    )


def _film(devices: SiteDevices, folder: Path, seconds: int = 120) -> str:
    path = folder / "film.mp4"
    drawn = cellcode.picture(devices.site, devices.name, 1, 320, 180)
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.codec_context.gop_size = 10
        stream.codec_context.options = {"profile": "baseline", "preset": "ultrafast", "bf": "0"}
        frame = av.VideoFrame.from_ndarray(drawn, format="rgb24").reformat(format="yuv420p")
        for counter in range(10 * seconds):
            frame.pts = counter
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return (
        f"filesrc location={path} ! qtdemux ! h264parse ! identity sync=true"
        " ! rtph264pay pt=96 ssrc=2 ! queue"
        " ! application/x-rtp,media=video,encoding-name=H264,payload=96"
    )


@contextlib.asynccontextmanager
async def debian_encoder(
    devices: SiteDevices, folder: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The client at work, showing the site's code; interrupted at the end."""
    client = shutil.which(CLIENT)
    assert client is not None, f"{CLIENT} is missing: run `deploy/prepare test`"
    video = _card(devices, folder) if devices.codec == "VP8" else _film(devices, folder)
    audio = (
        "audiotestsrc is-live=true freq=700 ! audioconvert ! audioresample ! opusenc"
        " ! rtpopuspay pt=100 ssrc=1 ! queue"
        " ! application/x-rtp,media=audio,encoding-name=OPUS,payload=100"
    )
    with (folder / "whip-client.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(client, "-u", devices.whip, "-t", devices.publish_token, "-o"),
            *("-A", audio, "-V", video),
            env={**os.environ, "LD_LIBRARY_PATH": str(_library(folder))},
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
