"""Ports: what an endpoint is called towards the bridge, and whose a name is.

To the bridge a port is opaque, but for the positions of the floor and for whose ears a mix is.
"""

from __future__ import annotations

from signaling.wire.ids import PageId, Port, SiteCode, Track
from signaling.wire.recordings import PROGRAM

FLOOR_POSITIONS = 4
"""Microphones that are carried at once; each has a slot of its own at every receiver."""
MIX_TRACK: Track = "mic"
"""The track that a port which publishes a mix publishes it as."""

_WINDOW, _FLOOR = "op/", "@floor/"
_RECORDER, _STILLS, _MIX = _WORKER = "rec/", "stills/", "mix/"


def site_port(site: SiteCode) -> Port:
    """The port of a site's main device."""
    return Port(f"{site}/main")


def site_of(port: Port) -> SiteCode | None:
    """The site whose main device has this port; None for an operator window, or a worker."""
    owner, _, device = port.partition("/")
    return SiteCode(owner) if device == "main" and not is_window(port) else None


def standby_port(site: SiteCode) -> Port:
    """What a site's waiting device is called; nothing is ever routed there."""
    return Port(f"{site}/standby")


def operator_port(page: PageId) -> Port:
    """The port of one operator window."""
    return Port(f"{_WINDOW}{page}")


def is_window(port: Port) -> bool:
    """Whether it is an operator window's."""
    return port.startswith(_WINDOW)


# --- media workers ----------------------------------------------------------------------------


def is_worker_port(port: Port) -> bool:
    """Whether it is a media worker's; no site and no window has such a port."""
    return port.startswith(_WORKER)


def recorder_port(site: SiteCode | None) -> Port:
    """Where a media worker receives what it records: the program, or one site as routed."""
    return Port(f"{_RECORDER}{site or PROGRAM}")


def stills_port(number: int) -> Port:
    """Where a media worker receives so many sites' pictures, to take stills of them; from 1."""
    return Port(f"{_STILLS}{number}")


def mix_port(listener: str) -> Port:
    """What publishes the sound of the floor as one stream: for ``program`` all of it, for a site's
    code without that site."""
    return Port(f"{_MIX}{listener}")


def is_mix(port: Port) -> bool:
    """Whether the port is one of `mix_port`."""
    return port.startswith(_MIX)


def heard_by(port: Port) -> Port:
    """Whose ears what the port hears is for: its own, and of a site's mix the site's device's.
    Nobody hears itself."""
    return site_port(SiteCode(port.removeprefix(_MIX))) if is_mix(port) else port


# --- the floor --------------------------------------------------------------------------------


def floor_port(position: int) -> Port:
    """The virtual port of a floor position, from 1: a route from it carries whoever holds it."""
    return Port(f"{_FLOOR}{position}")


def floor_position(port: Port) -> int | None:
    """The position that a virtual port means, None for a port of an endpoint; 0: there is none."""
    if not port.startswith(_FLOOR):
        return None
    position = port.removeprefix(_FLOOR)
    known = position.isascii() and position.isdigit() and len(position) == 1
    return int(position) if known and int(position) <= FLOOR_POSITIONS else 0
