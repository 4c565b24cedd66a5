"""What can stand in the way of a service on this machine; each finding says what to do."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from bridge.hotpath_choice import NotBuiltError, packet_path
from cli.runfile import read_run
from config.problems import ConfigError
from config.settings import BridgeSettings, Settings, is_loopback
from config.templates import load_template

PAGES = ("sign-in.html", "operator.html", "technician.html", "site.html", "join.html")
RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
"""What one keyframe of each of 63 sites needs at once is 2.8 MB."""
FREE_BYTES = 1024**3
BUILD_ADVICE = "install gcc and Python's headers (python3-dev), then install this package again"
BUILT_AT = 1_735_689_600.0
"""The service did not exist before 2025: an earlier clock is wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`fail`: it will not work; `warn`: it works worse or for fewer. `advice` is the next step."""

    level: Literal["ok", "warn", "fail"]
    what: str
    advice: str = ""


def check_python(version: tuple[int, ...]) -> Finding:
    """Python itself; `version` is major, minor and micro."""
    what = f"Python {'.'.join(str(part) for part in version)}"
    if version >= (3, 11):
        return Finding("ok", what)
    return Finding("fail", what, "install Python 3.11 or newer")


def check_packet_path(settings: Settings) -> Finding:
    """What handles the packets of a bridge on this machine."""
    try:
        name = packet_path(settings.bridge.packet_path)
    except NotBuiltError as error:
        return Finding("fail", f"packet path: {error}", BUILD_ADVICE)
    if name == "compiled" or settings.bridge.packet_path == "python":
        return Finding("ok", f"packet path: {name}")
    return Finding("warn", f"packet path: {name}, which costs three times as much", BUILD_ADVICE)


def check_tcp_port(settings: Settings) -> Finding:
    """Pages and nodes can connect."""
    host, port = settings.signaling.host, settings.signaling.port
    what = f"TCP port {port} on {host}"
    return _bind(socket.SOCK_STREAM, host, port, what, "--port", "signaling.host")


def check_media_ports(settings: Settings) -> Iterator[Finding]:
    """Media can arrive at every bridge process, on each address."""
    for index in range(settings.bridge.processes):
        yield from _check_media_ports(settings.bridge.process(index))


def _check_media_ports(bridge: BridgeSettings) -> Iterator[Finding]:
    key = "bridge.media_addresses"
    port, tcp_port = bridge.media_port, bridge.tcp_port
    for address, announced in bridge.bound.items():
        known_as = "" if announced == (address,) else f", announced as {', '.join(announced)}"
        what = f"UDP port {port} on {address}{known_as}"
        yield _bind(socket.SOCK_DGRAM, address, port, what, "--media-port", key)
        if tcp_port is not None:
            what = f"TCP port {tcp_port} for media on {address}{known_as}"
            yield _bind(socket.SOCK_STREAM, address, tcp_port, what, "bridge.media_tcp_port", key)


def _bind(
    kind: socket.SocketKind, host: str, port: int, what: str, option: str, key: str
) -> Finding:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            if kind is socket.SOCK_STREAM:
                probe.listen(1)
        except OSError as error:
            return Finding("fail", f"{what}: {error.strerror}", _bind_advice(error, option, key))
    return Finding("ok", f"{what} is free")


def _bind_advice(error: OSError, option: str, key: str) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"stop the program that holds it (`ss -lntup` names it), or choose {option}"
        case errno.EADDRNOTAVAIL:
            return f"name an address of this machine in {key} (`ip address` lists them)"
        case errno.EACCES:
            return f"choose {option} 1024 or higher, or allow low ports to this user"
        case _:
            return f"see {key} and {option}"


def check_receive_buffer(limit: Path = Path("/proc/sys/net/core/rmem_max")) -> Finding:
    """The kernel lets a socket hold a burst of keyframes."""
    try:
        size = int(limit.read_text())
    except (OSError, ValueError):
        return Finding("warn", "UDP receive buffer: its limit cannot be read", "watch for loss")
    what = f"UDP receive buffer: at most {size // 1024} KiB"
    if size >= RECEIVE_BUFFER_BYTES or os.geteuid() == 0:
        return Finding("ok", what if size >= RECEIVE_BUFFER_BYTES else f"{what}, not for root")
    advice = "sudo sysctl -w net.core.rmem_max=8388608 (and in /etc/sysctl.d to keep it)"
    return Finding("warn", f"{what}; bursts of keyframes will be lost", advice)


def check_pages(folder: Path) -> Finding:
    """The pages are there."""
    missing = [name for name in PAGES if not (folder / name).is_file()]
    if not missing:
        return Finding("ok", f"pages in {folder}")
    return Finding(
        "fail", f"pages not built: {', '.join(missing)}", "run `make run`; it builds them"
    )


def check_data_dir(settings: Settings) -> Iterator[Finding]:
    """The journal can be written, and there is room for it."""
    folder = settings.data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        what = f"data directory {settings.data_dir}: {error.strerror}"
        yield Finding("fail", what, f"let this user write to {folder}, or choose --data-dir")
        return
    yield Finding("ok", f"data directory {settings.data_dir} can be written")
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES:
        what = f"only {free // 1024**2} MiB free in {folder}"
        yield Finding("warn", what, "make room: what cannot be written cannot be decided")


def check_reach(settings: Settings) -> Finding:
    """What links and candidates say can be reached by those who get them."""
    url = urlsplit(settings.signaling.url)
    media = settings.bridge.announced
    inside = is_loopback(url.hostname or "")
    media_inside = all(is_loopback(address) for address in media)
    if inside and media_inside:
        advice = "for others, set signaling.public_url and bridge.media_addresses"
        return Finding("warn", "only this machine can take part", advice)
    if media_inside:
        what = f"links say {settings.signaling.url}, but media only {', '.join(media)}"
        return Finding("fail", what, "name this machine's addresses in bridge.media_addresses")
    if inside:
        what = f"media at {', '.join(media)}, but links say {settings.signaling.url}"
        return Finding("warn", what, "set signaling.public_url to what sites can open")
    if url.scheme != "https":
        what = f"links say {settings.signaling.url}: browsers give no camera to plain HTTP"
        return Finding("fail", what, "put a reverse proxy with HTTPS before it; see public_url")
    return Finding("ok", f"links say {settings.signaling.url}, media {', '.join(media)}")


def check_template(settings: Settings) -> Finding:
    """The default template and its roster can be used."""
    name = settings.conference.default_template
    try:
        template = load_template(name, settings.template_folders)
    except ConfigError as error:
        return Finding("fail", str(error), "correct what is named")
    return Finding("ok", f"template {name}: {len(template.sites)} remote sites")


def check_time(now: float, synchronised: Path = Path("/run/systemd/timesync")) -> Finding:
    """Links expire and minutes are dated by this clock."""
    if now < BUILT_AT:
        return Finding("fail", "the clock is years behind", "set the time; switch NTP on")
    if synchronised.is_dir() and not (synchronised / "synchronized").exists():
        return Finding("warn", "the clock is not synchronised", "sudo timedatectl set-ntp true")
    return Finding("ok", "the clock is plausible")


def check_all(settings: Settings, pages: Path, now: float) -> Iterator[Finding]:
    """Everything, in the order in which it would matter."""
    yield check_python(sys.version_info[:3])
    run = read_run(settings.data_dir)
    if run is None:
        yield check_tcp_port(settings)
        yield from check_media_ports(settings)
    else:
        yield Finding("ok", f"a service runs here at {run.url} (process {run.pids['up']})")
    yield check_packet_path(settings)
    yield check_receive_buffer()
    yield check_pages(pages)
    yield from check_data_dir(settings)
    yield check_template(settings)
    yield check_reach(settings)
    yield check_time(now)
