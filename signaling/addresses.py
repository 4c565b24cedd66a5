"""Whose request it is: the peer's address, or what a proxy of ours says. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks, as ``127.0.0.1`` or ``10.0.0.0/8``. Raises ValueError."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The first address, from our side, that is no proxy of ours.

    `forwarded_for` is ``X-Forwarded-For``: each proxy puts whom it heard at the end. Anybody can
    write what stands before that, so it counts only as far as trusted proxies have written it.
    """
    if not _trusts(peer, trusted):
        return peer
    told = [part.strip() for part in forwarded_for.split(",") if part.strip()]
    for address in reversed(told):
        if not _is_address(address):
            break
        if not _trusts(address, trusted):
            return address
    return peer


def _trusts(address: str, trusted: Sequence[Network]) -> bool:
    if not _is_address(address):
        return False
    parsed = ipaddress.ip_address(address)
    return any(parsed in network for network in trusted)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
