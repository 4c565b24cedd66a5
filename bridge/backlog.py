"""What waits for the slow reader of a TCP connection: sound before pictures, and not for ever."""

from __future__ import annotations

from collections import deque

from bridge.framing import framed

VIDEO_BYTES = 96 * 1024
"""Of pictures: a large keyframe. Beyond it they are dropped, as a full router would."""
URGENT_BYTES = 64 * 1024
"""Of all else: seconds of sound and of everything that keeps a session alive."""
SMALL_BYTES = 400
"""A stream whose packets are never larger is no picture; nor are RTCP, DTLS and STUN."""
CHUNK_BYTES = 4096
"""At most so much of pictures goes ahead of a sound that comes now."""
_MAX_STREAMS = 1024


class Backlog:
    """Two queues of frames and the rest of what was begun; whole frames only are dropped.

    The owner asks `take` for octets, and says by `wrote` how many of them went::

        while backlog:
            chunk = backlog.take()
            backlog.wrote(socket.send(chunk))
    """

    __slots__ = ("_begun", "_pictures", "_urgent", "_urgent_bytes", "_video", "_video_bytes")

    def __init__(self) -> None:
        self._begun = b""
        self._urgent: deque[bytes] = deque()
        self._video: deque[bytes] = deque()
        self._urgent_bytes = self._video_bytes = 0
        self._pictures: set[bytes] = set()

    def __bool__(self) -> bool:
        """Something waits."""
        return bool(self._begun or self._urgent or self._video)

    def sent(self, datagram: bytes) -> None:
        """This one went by without waiting; it tells what its stream is."""
        self._is_video(datagram)

    def begin(self, rest: bytes) -> None:
        """The rest of a frame whose head has gone: nothing may come between. Only while nothing
        waits."""
        self._begun = rest

    def put(self, datagram: bytes) -> bool:
        """Let a datagram wait; False if there is no room for it."""
        frame = framed(datagram)
        size = len(frame)
        if self._is_video(datagram):
            if self._video_bytes + size > VIDEO_BYTES:
                return False
            self._video.append(frame)
            self._video_bytes += size
        else:
            if self._urgent_bytes + size > URGENT_BYTES:
                return False
            self._urgent.append(frame)
            self._urgent_bytes += size
        return True

    def take(self) -> bytes:
        """What to write next, about `CHUNK_BYTES` of it."""
        parts, size = [self._begun], len(self._begun)
        while size < CHUNK_BYTES and (self._urgent or self._video):
            if self._urgent:
                frame = self._urgent.popleft()
                self._urgent_bytes -= len(frame)
            else:
                frame = self._video.popleft()
                self._video_bytes -= len(frame)
            parts.append(frame)
            size += len(frame)
        self._begun = b"".join(parts)
        return self._begun

    def wrote(self, count: int) -> None:
        """So many octets of the last `take` went."""
        self._begun = self._begun[count:]

    def _is_video(self, datagram: bytes) -> bool:
        """By stream, not by packet: the small end of a picture may not overtake its beginning."""
        if not (127 < datagram[0] < 192) or len(datagram) < 12 or 191 < datagram[1] < 224:
            return False
        ssrc = datagram[8:12]
        if ssrc in self._pictures:
            return True
        if len(datagram) > SMALL_BYTES:
            if len(self._pictures) < _MAX_STREAMS:
                self._pictures.add(ssrc)
            return True
        return False
