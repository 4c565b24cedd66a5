"""The sending half of a synthetic site: real encoded media at packet level, many to a process.

It plays a loop through a WHIP session and jumps to its keyframe when asked for one. Its other half
is in `watcher.py`. Neither knows what a site or a province is.
"""

from __future__ import annotations

import asyncio
import secrets
import struct
import time
from collections.abc import Callable, Iterator, Sequence

from bridge import offers, rtcp
from bridge.endpoint import loops
from bridge.endpoint.loops import Loop
from bridge.endpoint.outgoing import Outgoing
from bridge.endpoint.peer import CONNECT_S, REPORT_S, Door, Peer, PeerState, phase
from bridge.endpoint.wheel import Wheel
from bridge.transport import Certificate
from signaling.wire.ids import Media, ProgramCodec

_AUDIO_S = loops.AUDIO_FRAME_SAMPLES / loops.AUDIO_CLOCK_HZ
_VIDEO_S = 1 / loops.FRAMES_PER_S
_STALL_S = 0.5
"""A process that was late by more goes on from now instead of catching up."""
_CNAME = "site"
LOW, HIGH = "q", "f"
"""The layers' names."""


class _Layer:
    """The loop's picture in one size, played round and round from its keyframe on."""

    def __init__(self, name: str, frames: Sequence[bytes], codec: ProgramCodec) -> None:
        self.name, self._frames, self._codec = name, frames, codec
        self._extension = offers.layer_extension(name) if name else b""
        payload_type = offers.PICTURES[codec]
        self.stream = Outgoing(payload_type, loops.VIDEO_CLOCK_HZ, 9000, secrets.randbits(32))
        self.wanted = True
        self._frame = 0
        self._picture_id = secrets.randbits(15)

    def begin_anew(self) -> None:
        """The next picture is the keyframe."""
        self._frame = 0

    def reported(self, report: rtcp.ReceiverReport) -> None:
        """The node knows it by its SSRC: it needs not be named any more; browsers do the same."""
        if any(block.ssrc == self.stream.ssrc for block in report.blocks):
            self._extension = b""

    def packets(self) -> Iterator[bytes]:
        """Those of the next picture."""
        frame = self._frames[self._frame]
        self._frame = (self._frame + 1) % len(self._frames)
        self._picture_id = (self._picture_id + 1) & 0x7FFF
        *parts, last = loops.payloads(frame, self._picture_id, self._codec)
        for part in parts:
            yield self.stream.packet(part, marker=False, extension=self._extension)
        yield self.stream.packet(last, marker=True, extension=self._extension)


class Player:
    """Plays a loop into a WHIP session: 50 sound packets and 10 pictures a second, muted or not.

    A loop with a large picture is published in two layers: the small one always, the large one
    while `want` says so. Packets name their layer until the node has reported on what it gets.

    What a muted site's client does with its microphone is its own affair: this one never stops
    sending, so that only the service can keep it silent.

    Each sound packet states `level_dbov` (RFC 6464), the tone's unless somebody changes it.
    For drills of faults it can be `silent` (no RTP, while ICE goes on), go `offline`, or `vanish`.
    """

    def __init__(
        self,
        loop: Loop,
        wheel: Wheel,
        certificate: Certificate,
        on_state: Callable[[PeerState], None] = lambda state: None,
    ) -> None:
        self.keyframes_asked = 0
        self.silent = False
        self.level_dbov = loops.TONE_DBOV
        self._loop, self._wheel = loop, wheel
        self._audio = Outgoing(offers.OPUS, loops.AUDIO_CLOCK_HZ, 960, secrets.randbits(32))
        codec = loop.key.codec
        self._layers = [_Layer(LOW if loop.high else "", loop.frames, codec)]
        if loop.high:
            self._layers.append(_Layer(HIGH, loop.high, codec))
            self._layers[1].wanted = False
        self._peer = Peer(wheel, certificate, lambda now, packet: None, self._feedback, on_state)
        self._tone = 0
        self._audio_due = self._video_due = self._report_due = 0.0
        self._asked_for_time: tuple[float, rtcp.ReferenceTime] | None = None

    @property
    def state(self) -> PeerState:
        """Of the session's transport."""
        return self._peer.state

    @property
    def sound_packets(self) -> int:
        """How many it has sent, muted or not."""
        return self._audio.packets

    @property
    def picture_packets(self) -> dict[str, int]:
        """How many it has sent of each layer."""
        return {one.name: one.stream.packets for one in self._layers}

    def want(self, layers: Sequence[str]) -> None:
        """Send these layers of the picture; the small one in any case."""
        for layer in self._layers[1:]:
            wanted = layer.name in layers
            if wanted and not layer.wanted:
                layer.begin_anew()
            layer.wanted = wanted

    async def open(self, door: Door, timeout_s: float = CONNECT_S) -> None:
        """Publish through this door; returns when connected and sending.

        Raises what the door raises, and as `Peer.connect`.
        """
        ssrcs: list[tuple[Media, int]] = [
            ("audio", self._audio.ssrc),
            ("video", self._layers[0].stream.ssrc),
        ]
        names = [one.name for one in self._layers if one.name]
        peer = self._peer
        offer = offers.publish_offer(
            *(peer.credentials, peer.certificate.fingerprint, ssrcs, names), self._loop.key.codec
        )
        await peer.connect(offers.read_answer(await door(offer)), timeout_s)
        now = asyncio.get_running_loop().time()
        self._audio_due = now + phase() * _AUDIO_S
        self._video_due = now + phase() * _VIDEO_S
        self._report_due = now + phase() * REPORT_S
        self._wheel.add(self._turn)

    def close(self) -> None:
        """Stop sending and end the transport; the session's resource is the door's to delete."""
        self._wheel.remove(self._turn)
        self._peer.close()

    def offline(self, cut: bool) -> None:
        """Cut its network, or mend it."""
        self._peer.offline = cut

    def vanish(self) -> None:
        """End without a word, as a killed process does."""
        self._wheel.remove(self._turn)
        self._peer.vanish()

    def _turn(self, now: float) -> None:
        while now >= self._audio_due:
            self._audio_due = self._next(self._audio, now, self._audio_due, _AUDIO_S)
            self._sound()
        while now >= self._video_due:
            due = self._video_due
            for layer in self._layers:
                # those that rest keep their clock
                self._video_due = self._next(layer.stream, now, due, _VIDEO_S)
            self._picture()
        if now >= self._report_due:
            self._report_due = now + REPORT_S
            ntp = rtcp.ntp_time(time.time())
            flowing = [one.stream for one in self._layers if one.wanted]
            for stream in (self._audio, *flowing):
                name = rtcp.CanonicalName(stream.ssrc, _CNAME)
                self._peer.send_rtcp(rtcp.build([stream.report(now, ntp), name, *self._reply()]))

    def _next(self, stream: Outgoing, now: float, due: float, step_s: float) -> float:
        missed = int((now - due) / step_s) if now - due > _STALL_S else 0
        stream.advance(now, 1 + missed)
        return due + (1 + missed) * step_s

    def _sound(self) -> None:
        if self.silent:
            return
        tone = self._loop.tones[self._tone]
        self._tone = (self._tone + 1) % len(self._loop.tones)
        stated = struct.pack("!HHBBxx", 0xBEDE, 1, offers.LEVEL << 4, -self.level_dbov & 0x7F)
        self._peer.send_rtp(self._audio.packet(tone, marker=False, extension=stated))

    def _picture(self) -> None:
        if self.silent:
            return
        for layer in self._layers:
            if layer.wanted:
                for packet in layer.packets():
                    self._peer.send_rtp(packet)

    def _reply(self) -> list[rtcp.Packet]:
        """What the node needs to know the round trip (RFC 3611 §4.5); once for each question."""
        if self._asked_for_time is None:
            return []
        (at, asked), self._asked_for_time = self._asked_for_time, None
        # the turn's own time would count a slow turn as network
        delay_s = asyncio.get_running_loop().time() - at
        last = rtcp.compact_ntp(asked.ntp)
        return [rtcp.ReferenceReply(self._audio.ssrc, ((asked.ssrc, last, int(delay_s * 65536)),))]

    def _feedback(self, now: float, compound: bytes) -> None:
        for packet in rtcp.parse(compound):
            if isinstance(packet, rtcp.ReferenceTime):
                self._asked_for_time = now, packet
            elif isinstance(packet, rtcp.ReceiverReport):
                for layer in self._layers:
                    layer.reported(packet)
            elif any(_asks_for_keyframe(packet, one.stream.ssrc) for one in self._layers):
                self.keyframes_asked += 1
                for layer in self._layers:
                    layer.begin_anew()


def _asks_for_keyframe(packet: rtcp.Received, ssrc: int) -> bool:
    if isinstance(packet, rtcp.PictureLoss):
        return packet.media_ssrc == ssrc
    if isinstance(packet, rtcp.FullIntra):
        return any(wanted == ssrc for wanted, _ in packet.requests)
    return False
