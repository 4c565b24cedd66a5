"""Datagrams over a byte stream, each behind its length in two octets (RFC 4571 §2)."""

from __future__ import annotations

MAX_FRAME = 2048
"""Octets of one datagram: more than any packet that WebRTC sends."""


class FramingError(ValueError):
    """The stream announces a frame that is too long; nothing after it can be read."""


class Deframer:
    """Cuts one direction of a connection into the datagrams that went in.

    Holds less than one frame between two calls, whatever the peer sends.
    """

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The datagrams that are complete now; empty frames, which RFC 4571 allows, are left out.

        Raises:
            FramingError: a frame of more than `MAX_FRAME` octets. Close the connection.
        """
        data = self._rest + data
        datagrams = []
        at = 0
        while at + 2 <= len(data):
            size = data[at] << 8 | data[at + 1]
            if size > MAX_FRAME:
                raise FramingError(f"a frame of {size} octets; at most {MAX_FRAME} are taken")
            end = at + 2 + size
            if end > len(data):
                break
            if size:
                datagrams.append(data[at + 2 : end])
            at = end
        self._rest = data[at:]
        return datagrams


def framed(datagram: bytes) -> bytes:
    """A datagram as it goes into the stream."""
    return len(datagram).to_bytes(2, "big") + datagram
