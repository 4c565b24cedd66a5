"""STUN Binding messages as ICE uses them (RFC 5389, RFC 8445 §7): a bounded reader, two writers."""

from __future__ import annotations

import binascii
import hmac
import ipaddress
import struct
from dataclasses import dataclass

BINDING_REQUEST = 0x0001
BINDING_SUCCESS = 0x0101
BINDING_ERROR = 0x0111
COOKIE = 0x2112A442

_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_MAPPED = struct.Struct("!BBH")
_USERNAME, _INTEGRITY, _ERROR_CODE = 0x0006, 0x0008, 0x0009
_XOR_MAPPED, _USE_CANDIDATE, _FINGERPRINT, _CONTROLLED = 0x0020, 0x0025, 0x8028, 0x8029
_PRIORITY, _CONTROLLING = 0x0024, 0x802A
_FINGERPRINT_XOR = 0x5354554E
_PEER_REFLEXIVE = 0x6E7F1EFF
"""Priority of a host candidate's peer-reflexive one (RFC 8445 §5.1.2)."""
_MAX_BYTES = 1500
_MAX_ATTRIBUTES = 32
_MAX_USERNAME = 513
"""RFC 5389 §15.3."""


class StunError(ValueError):
    """Not a STUN message, or one that ICE may not use; the text says why."""


@dataclass(frozen=True)
class Message:
    """A STUN message with a valid FINGERPRINT. Nothing in it is authentic before `authentic`."""

    kind: int
    transaction: bytes
    username: str | None
    use_candidate: bool
    controlled: bool
    _signed: bytes
    _signature: bytes

    @property
    def ufrag(self) -> str:
        """Whose check this is: what USERNAME says before the colon (RFC 8445 §7.2.2), if it is
        there."""
        return (self.username or "").partition(":")[0]

    def authentic(self, password: bytes) -> bool:
        """Whether MESSAGE-INTEGRITY was made with this short-term password (RFC 5389 §15.4)."""
        expected = hmac.digest(password, self._signed, "sha1")
        return hmac.compare_digest(expected, self._signature)


def is_stun(datagram: bytes) -> bool:
    """First byte 0–3 (RFC 7983 §7) and the magic cookie."""
    return len(datagram) >= 20 and datagram[0] < 4 and datagram[4:8] == b"\x21\x12\xa4\x42"


def parse(datagram: bytes) -> Message:
    """Read a message that carries MESSAGE-INTEGRITY and FINGERPRINT.

    Attributes after MESSAGE-INTEGRITY are not signed and so not read (RFC 5389 §15.4); unknown
    ones are passed over.

    Raises:
        StunError: junk, a missing or wrong FINGERPRINT, or no MESSAGE-INTEGRITY.
    """
    if not is_stun(datagram) or len(datagram) > _MAX_BYTES:
        raise StunError("not STUN")
    kind, length, _, transaction = _HEADER.unpack_from(datagram)
    if length != len(datagram) - _HEADER.size or length % 4:
        raise StunError("the length field is wrong")
    _check_fingerprint(datagram)
    username: str | None = None
    flags: set[int] = set()
    at = _HEADER.size
    for _ in range(_MAX_ATTRIBUTES):
        if at + 4 > len(datagram) - 8:
            break
        attribute, size = _ATTRIBUTE.unpack_from(datagram, at)
        value = datagram[at + 4 : at + 4 + size]
        if len(value) != size:
            raise StunError("an attribute reaches beyond the end")
        if attribute == _INTEGRITY:
            if size != 20:
                raise StunError("MESSAGE-INTEGRITY is not 20 bytes")
            signed = datagram[:2] + struct.pack("!H", at + 4) + datagram[4:at]
            used, controlled = _USE_CANDIDATE in flags, _CONTROLLED in flags
            return Message(kind, transaction, username, used, controlled, signed, value)
        if attribute == _USERNAME:
            username = _text(value)
        flags.add(attribute)
        at += 4 + size + -size % 4
    raise StunError("no MESSAGE-INTEGRITY")


def request(
    transaction: bytes, username: str, password: bytes, priority: int, tie_breaker: int
) -> bytes:
    """A controlling agent's check that nominates its path (RFC 8445 §7.1), signed."""
    attributes = [
        (_USERNAME, username.encode()),
        (_PRIORITY, struct.pack("!I", priority)),
        (_USE_CANDIDATE, b""),
        (_CONTROLLING, struct.pack("!Q", tie_breaker)),
    ]
    return _signed(BINDING_REQUEST, transaction, attributes, password)


def question(transaction: bytes, username: str, password: bytes) -> bytes:
    """A controlled agent's check, which the peer answers from where it really is, signed."""
    attributes = [
        (_USERNAME, username.encode()),
        (_PRIORITY, struct.pack("!I", _PEER_REFLEXIVE)),
        (_CONTROLLED, bytes(8)),
    ]
    return _signed(BINDING_REQUEST, transaction, attributes, password)


def success(request: Message, host: str, port: int, password: bytes) -> bytes:
    """The Binding success response with XOR-MAPPED-ADDRESS (RFC 5389 §15.2), signed."""
    address = ipaddress.ip_address(host).packed
    pad = struct.pack("!I", COOKIE) + request.transaction
    masked = bytes(one ^ other for one, other in zip(address, pad, strict=False))
    family = 1 if len(address) == 4 else 2
    value = _MAPPED.pack(0, family, port ^ COOKIE >> 16) + masked
    return _signed(BINDING_SUCCESS, request.transaction, [(_XOR_MAPPED, value)], password)


def failure(request: Message, code: int, reason: str, password: bytes) -> bytes:
    """The Binding error response with this code (RFC 5389 §15.6), signed."""
    value = struct.pack("!HBB", 0, code // 100, code % 100) + reason.encode()
    return _signed(BINDING_ERROR, request.transaction, [(_ERROR_CODE, value)], password)


def _signed(
    kind: int, transaction: bytes, attributes: list[tuple[int, bytes]], password: bytes
) -> bytes:
    body = b"".join(_attribute(*one) for one in attributes)
    header = _HEADER.pack(kind, len(body) + 24, COOKIE, transaction)
    body += _attribute(_INTEGRITY, hmac.digest(password, header + body, "sha1"))
    header = _HEADER.pack(kind, len(body) + 8, COOKIE, transaction)
    crc = binascii.crc32(header + body) ^ _FINGERPRINT_XOR
    return header + body + _attribute(_FINGERPRINT, struct.pack("!I", crc))


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)


def _check_fingerprint(datagram: bytes) -> None:
    """FINGERPRINT is mandatory in connectivity checks and comes last (RFC 5389 §15.5)."""
    if len(datagram) < _HEADER.size + 8:
        raise StunError("no FINGERPRINT")
    kind, size, crc = struct.unpack_from("!HHI", datagram, len(datagram) - 8)
    if kind != _FINGERPRINT or size != 4:
        raise StunError("no FINGERPRINT")
    if binascii.crc32(datagram[:-8]) ^ _FINGERPRINT_XOR != crc:
        raise StunError("the FINGERPRINT is wrong")


def _text(value: bytes) -> str:
    if len(value) > _MAX_USERNAME:
        raise StunError("USERNAME is too long")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise StunError("USERNAME is not UTF-8") from None
