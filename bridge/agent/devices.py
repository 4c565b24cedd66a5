"""Cameras and microphones of this machine: V4L2 by sysfs, ALSA by procfs (Linux)."""

from __future__ import annotations

import fcntl
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

_SYSFS, _PROCFS, _DEV = Path("/sys/class/video4linux"), Path("/proc/asound"), Path("/dev")
_QUERYCAP = 0x80685600
"""``VIDIOC_QUERYCAP`` of videodev2.h: fills a structure of 104 bytes."""
_CAPTURE = 0x00000001
_DEVICE_CAPS = 0x80000000
_PCM = re.compile(r"^(\d+)-(\d+): (.*)$")


@dataclass(frozen=True)
class Device:
    """A camera or microphone: `source` is how it is written in the settings."""

    source: str
    name: str


def cameras(sysfs: Path = _SYSFS, dev: Path = _DEV) -> list[Device]:
    """The V4L2 devices that pictures can be read from; those that another program holds too."""
    return [
        Device(f"v4l2:{dev / path.name}", _line(path / "name"))
        for path in sorted(sysfs.glob("video*"), key=_number)
        if _captures(dev / path.name)
    ]


def microphones(procfs: Path = _PROCFS) -> list[Device]:
    """The ALSA devices that sound can be recorded from."""
    found = []
    for line in _text(procfs / "pcm").splitlines():
        match = _PCM.match(line)
        if match is None or "capture" not in line:
            continue
        card, device, rest = int(match[1]), int(match[2]), match[3]
        known = _line(procfs / f"card{card}" / "id")
        source = f"alsa:plughw:CARD={known or card},DEV={device}"
        found.append(Device(source, rest.partition(":")[0].strip()))
    return found


def camera(which: str, sysfs: Path = _SYSFS, dev: Path = _DEV) -> str:
    """The path of a camera: itself, the first whose name contains `which`, or the first of all.

    Looked up at each opening, since a camera that was unplugged may come back under another number.

    Raises:
        OSError: there is none.
    """
    if which.startswith("/"):
        return which
    for device in cameras(sysfs, dev):
        if which.lower() in device.name.lower():
            return device.source.removeprefix("v4l2:")
    raise OSError(f"no camera named {which!r}" if which else "no camera is connected")


def microphone(which: str, procfs: Path = _PROCFS) -> str:
    """ALSA's name of a microphone, chosen as in `camera`; what looks like one is taken as it is.

    Raises:
        OSError: there is none.
    """
    if which == "default" or ":" in which:
        return which
    for device in microphones(procfs):
        if which.lower() in f"{device.source} {device.name}".lower():
            return device.source.removeprefix("alsa:")
    raise OSError(f"no microphone named {which!r}" if which else "no microphone is connected")


def _captures(path: Path) -> bool:
    """Whether pictures come from it: a camera also has nodes for its metadata. True if unknown."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        answer = fcntl.ioctl(handle, _QUERYCAP, bytes(104))
    except OSError:
        return True
    finally:
        os.close(handle)
    capabilities, of_device = struct.unpack_from("=II", answer, 84)
    return bool((of_device if capabilities & _DEVICE_CAPS else capabilities) & _CAPTURE)


def _number(path: Path) -> int:
    digits = path.name.removeprefix("video")
    return int(digits) if digits.isascii() and digits.isdigit() else 1 << 30


def _line(path: Path) -> str:
    return _text(path).strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
