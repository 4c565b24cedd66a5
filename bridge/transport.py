"""DTLS-SRTP over any datagram pipe: the one file that knows the inside of aiortc and pylibsrtp.

RFC 5763 and RFC 5764. The handshake runs on pyOpenSSL with aiortc's certificates; afterwards
packets are protected by plain synchronous calls, without tasks or queues.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import pylibsrtp
from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    SRTPProtectionProfile,
    certificate_digest,
)
from OpenSSL import SSL
from pylibsrtp._binding import ffi, lib

from bridge.fingerprint import DIGEST_BYTES, Fingerprint
from bridge.hotpath import Protection

Role = Literal["server", "client"]
ChannelState = Literal["new", "connecting", "connected", "closed", "failed"]
Drop = Literal["srtp_auth", "srtp_replay", "malformed", "rtp_before_dtls", "ssrc_limit"]

SRTP_PROFILES = (SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80, SRTP_AEAD_AES_256_GCM)
"""Best first. AES-128-GCM costs the least; a server's order decides (RFC 5764 §4.1.1)."""

MAX_SSRCS = 256
"""Incoming streams of one channel, of media and of reports. libsrtp remembers each for ever, and
looks through all of them for every packet."""

# aiortc offers ECDSA suites only; as DTLS client we also meet servers with an RSA certificate.
_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    b"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA"
)
_MTU = 1200
_ROOM = 2048
"""Bytes of one outgoing DTLS datagram: fits every path that carries WebRTC."""
_RECORD_HEADER = 13
_REPLAY_WINDOW = 1024
"""Packets that may arrive late and still count as new; a keyframe burst reorders by hundreds."""
_REPEAT_WINDOW = 256
"""Of our own packets, for who has no RTX: the newest may be sent again. libsrtp shifts it by a bit
for every packet, so it is no longer than a second of a large picture."""


class HandshakeError(Exception):
    """The DTLS handshake did not end in a usable channel; the text says why."""


class SrtpError(Exception):
    """A packet was not authentic, was seen before, or is no packet; `reason` names the counter."""

    def __init__(self, reason: Drop) -> None:
        super().__init__(reason)
        self.reason = reason


class Certificate:
    """A self-signed P-256 certificate for any number of channels, and what SDP says about it."""

    def __init__(self) -> None:
        inner = RTCCertificate.generateCertificate()
        self.fingerprint = next(
            Fingerprint(print_.algorithm, print_.value)
            for print_ in inner.getFingerprints()
            if print_.algorithm == "sha-256"
        )
        self._context = inner._create_ssl_context(srtp_profiles=list(SRTP_PROFILES))
        self._context.set_cipher_list(_CIPHERS)
        self._context.set_options(SSL.OP_NO_QUERY_MTU)

    def connection(self, role: Role) -> SSL.Connection:
        """A DTLS connection over memory buffers, in this role, not begun."""
        connection = SSL.Connection(self._context)
        connection.set_ciphertext_mtu(_MTU)
        if role == "server":
            connection.set_accept_state()
        else:
            connection.set_connect_state()
        return connection


class SecureChannel:
    """DTLS-SRTP with one peer, over a pipe that the caller owns.

    The caller demultiplexes by first byte (RFC 7983; see `is_dtls`, `is_rtcp`), passes each DTLS
    datagram to `feed`, and puts on the wire what comes to `send`, in any call of this class. `feed`
    may be called before `start`: the datagram waits. After `start` returns::

        plain = channel.unprotect_rtp(datagram)        # raises SrtpError; count error.reason
        socket.sendto(channel.protect_rtp(plain), address)

    A server is what answers ``a=setup:passive``; a client sends the first flight in `start`.

    Args:
        certificate: this side's; one `Certificate` serves all channels of a process.
        role: ``server`` or ``client`` of the DTLS handshake.
        fingerprints: the peer's, from its SDP; a certificate that does not match is refused.
        send: puts one datagram on the wire; must neither raise nor wait.
        on_closed: called once when the peer ends the connected channel by ``close_notify``.

    Needs a running event loop only in `start` (retransmission timer). Not for several threads.
    """

    def __init__(
        self,
        certificate: Certificate,
        role: Role,
        fingerprints: Sequence[Fingerprint],
        send: Callable[[bytes], None],
        on_closed: Callable[[], None] | None = None,
    ) -> None:
        self.role = role
        self.state: ChannelState = "new"
        self._certificate = certificate
        self._fingerprints = tuple(fingerprints)
        self._send = send
        self._on_closed = on_closed
        self._dtls: SSL.Connection | None = None
        self._early: bytes | None = None
        self._done: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rx: pylibsrtp.Session | None = None
        self._tx: pylibsrtp.Session | None = None
        self._ssrcs: set[bytes] = set()

    @property
    def connected(self) -> bool:
        """The handshake is done, the peer is who the SDP names, and packets may flow."""
        return self.state == "connected"

    async def start(self, timeout_s: float = 20.0) -> None:
        """Run the handshake; returns when packets may flow. Call it once.

        Raises:
            HandshakeError: timeout, alert, wrong fingerprint, no common SRTP profile, or closed
                meanwhile. The channel is freed then. Cancelling frees it too.
        """
        assert self.state == "new", self.state
        self.state = "connecting"
        self._done = asyncio.get_running_loop().create_future()
        self._dtls = self._certificate.connection(self.role)
        try:
            async with asyncio.timeout(timeout_s):
                self._handshake(self._early)
                await self._done
        except TimeoutError:
            self._end("failed")
            raise HandshakeError(f"no DTLS handshake within {timeout_s:g} s") from None
        except BaseException:
            self._end("failed")
            raise
        finally:
            self._early = self._done = None

    def feed(self, datagram: bytes) -> None:
        """Take one DTLS datagram from the peer. Never raises; junk is ignored as DTLS does."""
        if not datagram:
            return
        if self.state == "connecting":
            self._handshake(datagram)
        elif self.state == "connected":
            self._read(datagram)
        elif self.state == "new":
            self._early = datagram

    def close(self) -> None:
        """Send ``close_notify`` if connected, free everything. Safe in any state and repeatedly."""
        if self._dtls is not None and self.state == "connected":
            with contextlib.suppress(SSL.Error):
                self._dtls.shutdown()
            self._flush()
        self._refuse("closed during the handshake")
        self._end("closed")

    def protect_rtp(self, packet: bytes) -> bytes:
        """An RTP packet as SRTP. Raises SrtpError when not connected or over 1,356 bytes."""
        if self._tx is None:
            raise SrtpError("rtp_before_dtls")
        try:
            return self._tx.protect(packet)
        except (pylibsrtp.Error, ValueError) as error:
            raise srtp_error(error) from None

    def protection(self) -> Protection:
        """What protects outgoing RTP, for who sends it past this class. Raises SrtpError when not
        connected. It outlives the channel: let go of it when the channel closes."""
        if self._tx is None:
            raise SrtpError("rtp_before_dtls")
        return protection_of(self._tx)

    def unprotection(self) -> Protection:
        """The same of what comes in; streams beyond `MAX_SSRCS` are to be kept from it."""
        if self._rx is None:
            raise SrtpError("rtp_before_dtls")
        return unprotection_of(self._rx)

    def unprotect_rtp(self, packet: bytes) -> bytes:
        """An SRTP packet as RTP. Raises SrtpError."""
        if self._rx is None:
            raise SrtpError("rtp_before_dtls")
        ssrc = packet[8:12]
        if ssrc not in self._ssrcs:
            self._admit()
        try:
            plain = self._rx.unprotect(packet)
        except (pylibsrtp.Error, ValueError) as error:
            raise srtp_error(error) from None
        self._ssrcs.add(ssrc)
        return plain

    def protect_rtcp(self, packet: bytes) -> bytes:
        """A compound RTCP packet as SRTCP. Raises SrtpError."""
        if self._tx is None:
            raise SrtpError("rtp_before_dtls")
        try:
            return self._tx.protect_rtcp(packet)
        except (pylibsrtp.Error, ValueError) as error:
            raise srtp_error(error) from None

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """An SRTCP packet as compound RTCP. Raises SrtpError."""
        if self._rx is None:
            raise SrtpError("rtp_before_dtls")
        ssrc = packet[4:8]
        if ssrc not in self._ssrcs:
            self._admit()
        try:
            plain = self._rx.unprotect_rtcp(packet)
        except (pylibsrtp.Error, ValueError) as error:
            raise srtp_error(error) from None
        self._ssrcs.add(ssrc)
        return plain

    def _admit(self) -> None:
        """A full channel takes no further stream; only authentic packets fill it."""
        if len(self._ssrcs) >= MAX_SSRCS:
            raise SrtpError("ssrc_limit")

    # --- handshake --------------------------------------------------------------------------

    def _handshake(self, datagram: bytes | None) -> None:
        assert self._dtls is not None
        if datagram:
            self._dtls.bio_write(datagram)
        try:
            self._dtls.do_handshake()
        except SSL.WantReadError:
            self._flush()
            self._arm()
        except SSL.Error as error:
            self._flush()
            self._fail(f"DTLS alert or error: {error}")
        else:
            self._flush()
            self._arm()
            self._secure()

    def _secure(self) -> None:
        """The peer proves the key of its fingerprint; take the SRTP keys (RFC 5764 §4.2)."""
        assert self._dtls is not None
        if not _matches(self._dtls, self._fingerprints):
            self._fail("the peer's certificate does not match the fingerprint of its SDP")
            return
        name = self._dtls.get_selected_srtp_profile()
        profile = next((one for one in SRTP_PROFILES if one.openssl_profile == name), None)
        if profile is None:
            self._fail("no SRTP profile in common")
            return
        keys = self._dtls.export_keying_material(
            b"EXTRACTOR-dtls_srtp", 2 * (profile.key_length + profile.salt_length)
        )
        mine, theirs = (1, 0) if self.role == "server" else (0, 1)
        any_in, any_out = pylibsrtp.Policy.SSRC_ANY_INBOUND, pylibsrtp.Policy.SSRC_ANY_OUTBOUND
        self._rx = _session(profile, profile.get_key_and_salt(keys, theirs), any_in)
        self._tx = _session(profile, profile.get_key_and_salt(keys, mine), any_out)
        self.state = "connected"
        if self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _read(self, datagram: bytes) -> None:
        """A repeated last flight is answered, application data ignored, ``close_notify`` obeyed."""
        assert self._dtls is not None
        self._dtls.bio_write(datagram)
        try:
            while True:
                self._dtls.recv(2048)
        except SSL.ZeroReturnError:
            told = self._on_closed
            self._end("closed")
            if told is not None:
                told()
        except SSL.Error:
            self._flush()
            self._arm()

    def _arm(self) -> None:
        """Set the retransmission timer (RFC 6347 §4.2.4) as OpenSSL wants it."""
        assert self._dtls is not None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        timeout_s = self._dtls.DTLSv1_get_timeout()
        if timeout_s is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(timeout_s + 0.001, self._retransmit)

    def _retransmit(self) -> None:
        self._timer = None
        if self._dtls is None:
            return
        try:
            self._dtls.DTLSv1_handle_timeout()
        except SSL.Error as error:
            self._fail(f"DTLS gave up: {error}")
            return
        self._flush()
        self._arm()

    def _flush(self) -> None:
        assert self._dtls is not None
        try:
            flight = self._dtls.bio_read(65536)
        except SSL.Error:
            return
        for datagram in _datagrams(flight):
            self._send(datagram)

    def _fail(self, reason: str) -> None:
        self._refuse(reason)
        self._end("failed")

    def _refuse(self, reason: str) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(HandshakeError(reason))

    def _end(self, state: ChannelState) -> None:
        if self.state not in ("closed", "failed"):
            self.state = state
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._dtls = self._rx = self._tx = self._early = None
        # they know the channel's owner, which knows the channel
        self._send, self._on_closed = _nowhere, None


def _nowhere(datagram: bytes) -> None:
    """Where a closed channel sends."""


def protection_of(session: pylibsrtp.Session) -> Protection:
    """An outgoing session's, with the addresses that C needs."""
    return _native(session.protect, session, "srtp_protect")


def unprotection_of(session: pylibsrtp.Session) -> Protection:
    """The same of an incoming one."""
    return _native(session.unprotect, session, "srtp_unprotect")


def _native(method: Callable[[bytes], bytes], session: pylibsrtp.Session, name: str) -> Protection:
    function = ffi.cast("uintptr_t", ffi.addressof(lib, name))
    context = ffi.cast("uintptr_t", session._srtp[0])
    return Protection(method, int(function), int(context))


def is_dtls(datagram: bytes) -> bool:
    """First byte 20–63 (RFC 7983 §7)."""
    return len(datagram) >= _RECORD_HEADER and 19 < datagram[0] < 64


def is_rtcp(datagram: bytes) -> bool:
    """Of an RTP or RTCP packet: payload types 192–223 are RTCP (RFC 5761 §4)."""
    return 191 < datagram[1] < 224


def _matches(dtls: SSL.Connection, fingerprints: Sequence[Fingerprint]) -> bool:
    """Compare with the fingerprints of the best hash function offered (RFC 8122 §5)."""
    certificate = dtls.get_peer_certificate(as_cryptography=True)
    if certificate is None:
        return False
    for algorithm in DIGEST_BYTES:
        values = [one.value.upper() for one in fingerprints if one.algorithm.lower() == algorithm]
        if values:
            return certificate_digest(certificate, algorithm) in values
    return False


def _session(profile: SRTPProtectionProfile, key: bytes, direction: int) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(key=key, ssrc_type=direction, srtp_profile=profile.libsrtp_profile)
    outgoing = direction == pylibsrtp.Policy.SSRC_ANY_OUTBOUND
    policy.window_size = _REPEAT_WINDOW if outgoing else _REPLAY_WINDOW
    # a packet may be resent unchanged in answer to a NACK
    policy.allow_repeat_tx = True
    session = pylibsrtp.Session(policy)
    return roomy(session) if outgoing else session


def roomy(session: pylibsrtp.Session) -> pylibsrtp.Session:
    """With a buffer for the largest packet of ours: pylibsrtp's own has 1,500 bytes, of which it
    leaves 144 free, and so refuses to protect what encoders send by default (1,400 bytes)."""
    session._cdata = ffi.new("char[]", _ROOM)
    session._buffer = ffi.buffer(session._cdata)
    return session


def srtp_error(error: Exception) -> SrtpError:
    """What pylibsrtp means by an error."""
    text = str(error)
    if text.startswith("authentication failure"):
        return SrtpError("srtp_auth")
    if text.startswith("replay check failed") or "too old" in text:
        return SrtpError("srtp_replay")
    return SrtpError("malformed")


def _datagrams(flight: bytes) -> Iterator[bytes]:
    """OpenSSL's records, which a memory buffer runs together, as datagrams of at most the MTU."""
    start = end = 0
    while end + _RECORD_HEADER <= len(flight):
        after = end + _RECORD_HEADER + int.from_bytes(flight[end + 11 : end + 13], "big")
        if after - start > _MTU and end > start:
            yield flight[start:end]
            start = end
        end = after
    if end > start:
        yield flight[start:end]
