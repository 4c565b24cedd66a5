"""Cameras and microphones as the kernel lists them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.agent import devices as agentdevices
from bridge.agent.devices import Device

PCM = """00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1
00-03: HDMI 0 : HDMI 0 : playback 1
02-00: USB Audio : USB Audio : capture 1
nonsense
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    for name, label in (("video10", "Grabber"), ("video2", "HD Pro Webcam C920\n")):
        folder = tmp_path / "sys" / name
        folder.mkdir(parents=True)
        (folder / "name").write_text(label)
        (tmp_path / "dev").mkdir(exist_ok=True)
        (tmp_path / "dev" / name).touch()
    (tmp_path / "sys" / "video0").mkdir()  # unplugged a moment ago: no node any more
    (tmp_path / "proc" / "card0").mkdir(parents=True)
    (tmp_path / "proc" / "card0" / "id").write_text("PCH\n")
    (tmp_path / "proc" / "pcm").write_text(PCM)
    return tmp_path


def test_cameras_are_listed_in_the_order_of_their_numbers(machine: Path) -> None:
    dev = machine / "dev"
    assert agentdevices.cameras(machine / "sys", dev) == [
        Device(f"v4l2:{dev / 'video2'}", "HD Pro Webcam C920"),
        Device(f"v4l2:{dev / 'video10'}", "Grabber"),
    ]


def test_microphones_are_what_records(machine: Path) -> None:
    assert agentdevices.microphones(machine / "proc") == [
        Device("alsa:plughw:CARD=PCH,DEV=0", "ALC257 Analog"),
        Device("alsa:plughw:CARD=2,DEV=0", "USB Audio"),
    ]


@pytest.mark.parametrize(
    ("which", "found"), [("", "video2"), ("grab", "video10"), ("c920", "video2")]
)
def test_camera_is_chosen_by_its_name(machine: Path, which: str, found: str) -> None:
    dev = machine / "dev"
    assert agentdevices.camera(which, machine / "sys", dev) == str(dev / found)


def test_camera_given_by_its_path_is_that_one(machine: Path) -> None:
    assert agentdevices.camera("/dev/video9", machine / "sys") == "/dev/video9"


@pytest.mark.parametrize(
    ("which", "found"),
    [
        ("", "plughw:CARD=PCH,DEV=0"),
        ("usb", "plughw:CARD=2,DEV=0"),
        ("default", "default"),
        ("hw:7,0", "hw:7,0"),
    ],
)
def test_microphone_is_chosen_by_its_name(machine: Path, which: str, found: str) -> None:
    assert agentdevices.microphone(which, machine / "proc") == found


def test_nothing_connected_is_said(tmp_path: Path) -> None:
    assert agentdevices.cameras(tmp_path, tmp_path) == []
    assert agentdevices.microphones(tmp_path) == []
    with pytest.raises(OSError, match="no camera is connected"):
        agentdevices.camera("", tmp_path, tmp_path)
    with pytest.raises(OSError, match="no camera named 'C920'"):
        agentdevices.camera("C920", tmp_path, tmp_path)
    with pytest.raises(OSError, match="no microphone is connected"):
        agentdevices.microphone("", tmp_path)
    with pytest.raises(OSError, match="no microphone named 'usb'"):
        agentdevices.microphone("usb", tmp_path)
