"""STUN against aioice's implementation, and against junk."""

import struct

import pytest
from aioice import stun as peer
from hypothesis import given
from hypothesis import strategies as st

from bridge import stun

PASSWORD = b"p" * 22


def request(username="local:remote", password=PASSWORD, **more):
    attributes = {"USERNAME": username, "PRIORITY": 1, "ICE-CONTROLLING": 2} | more
    message = peer.Message(peer.Method.BINDING, peer.Class.REQUEST, b"t" * 12, attributes)
    message.add_message_integrity(password)
    return bytes(message)


def test_parse_reads_what_aioice_writes():
    message = stun.parse(request(**{"USE-CANDIDATE": None}))
    assert message.kind == stun.BINDING_REQUEST
    assert message.transaction == b"t" * 12
    assert message.username == "local:remote"
    assert message.ufrag == "local"
    assert message.use_candidate
    assert not message.controlled
    assert message.authentic(PASSWORD)
    assert not message.authentic(b"q" * 22)


def test_parse_tells_a_controlled_peer():
    assert stun.parse(request(**{"ICE-CONTROLLED": 5})).controlled


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::7"])
def test_aioice_reads_success(host):
    answer = stun.success(stun.parse(request()), host, 50000, PASSWORD)
    message = peer.parse_message(answer)
    assert message.message_class == peer.Class.RESPONSE
    assert message.transaction_id == b"t" * 12
    assert message.attributes["XOR-MAPPED-ADDRESS"] == (host, 50000)
    assert message.check_message_integrity(PASSWORD)


def test_aioice_reads_failure():
    answer = stun.failure(stun.parse(request()), 487, "Role Conflict", PASSWORD)
    message = peer.parse_message(answer)
    assert message.error_code == 487
    assert message.check_message_integrity(PASSWORD)


def test_unsigned_attributes_are_not_read():
    signed = request()[:-8]
    late = signed + struct.pack("!HH", 0x0025, 0)
    body = late[:2] + struct.pack("!H", len(late) - 20 + 8) + late[4:]
    crc = peer.binascii.crc32(body) ^ 0x5354554E
    message = stun.parse(body + struct.pack("!HHI", 0x8028, 4, crc))
    assert not message.use_candidate


def test_every_flipped_byte_is_refused():
    whole = request()
    for at in range(len(whole)):
        broken = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        with pytest.raises(stun.StunError):
            stun.parse(broken)


def test_missing_integrity_and_missing_fingerprint_are_refused():
    bare = peer.Message(peer.Method.BINDING, peer.Class.REQUEST, b"t" * 12, {"USERNAME": "a:b"})
    with pytest.raises(stun.StunError, match="FINGERPRINT"):
        stun.parse(bytes(bare))
    bare.add_fingerprint()
    with pytest.raises(stun.StunError, match="INTEGRITY"):
        stun.parse(bytes(bare))


@given(st.binary(max_size=200), st.integers(0, 200))
def test_junk_raises_only_stun_error(junk, cut):
    body = b"\x00\x01" + struct.pack("!H", len(junk)) + b"\x21\x12\xa4\x42" + bytes(12) + junk
    for datagram in (junk, body, body[:cut]):
        with pytest.raises(stun.StunError):
            stun.parse(datagram)


@given(st.binary(max_size=120))
def test_junk_with_a_right_fingerprint_raises_only_stun_error(junk):
    junk += bytes(-len(junk) % 4)
    head = b"\x00\x01" + struct.pack("!H", len(junk) + 8) + b"\x21\x12\xa4\x42" + bytes(12)
    crc = peer.binascii.crc32(head + junk) ^ 0x5354554E
    try:
        message = stun.parse(head + junk + struct.pack("!HHI", 0x8028, 4, crc))
    except stun.StunError:
        return
    assert not message.authentic(PASSWORD)
