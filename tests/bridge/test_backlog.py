"""The backlog of a slow reader: what overtakes what, what is dropped, what stays whole."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.backlog import CHUNK_BYTES, SMALL_BYTES, URGENT_BYTES, VIDEO_BYTES, Backlog
from bridge.framing import Deframer


def rtp(ssrc, size, payload_type=96):
    return bytes([0x80, payload_type]) + bytes(6) + ssrc.to_bytes(4, "big") + bytes(size - 12)


def written(backlog, step=None):
    """All that comes out, written in pieces of this size."""
    deframer, found = Deframer(), []
    while backlog:
        chunk = backlog.take()
        count = min(step or len(chunk), len(chunk))
        found += deframer.feed(chunk[:count])
        backlog.wrote(count)
    return found


def test_sound_and_control_overtake_pictures_that_wait():
    backlog = Backlog()
    picture, sound = rtp(1, 1200), rtp(2, 80, 111)
    control, check = b"\x80\xc8" + bytes(30), b"\x00\x01" + bytes(30)
    for one in (picture, sound, picture, control, check):
        assert backlog.put(one)
    assert written(backlog) == [sound, control, check, picture, picture]


def test_small_end_of_a_picture_does_not_overtake_its_beginning():
    backlog = Backlog()
    frame = [rtp(1, 1200), rtp(1, 60)]
    for one in frame:
        backlog.put(one)
    assert written(backlog) == frame
    # nor when the beginning went by without waiting
    backlog.sent(rtp(3, 1200))
    picture, sound = rtp(3, 60), rtp(2, 60, 111)
    backlog.put(picture)
    backlog.put(sound)
    assert written(backlog) == [sound, picture]


def test_what_was_begun_is_ended_first():
    backlog = Backlog()
    deframer = Deframer()
    frame = b"\x00\x05begun"
    assert deframer.feed(frame[:4]) == []
    backlog.begin(frame[4:])
    backlog.put(rtp(2, 60, 111))
    chunk = backlog.take()
    assert deframer.feed(chunk) == [b"begun", rtp(2, 60, 111)]


def test_no_room_for_pictures_leaves_room_for_sound():
    backlog = Backlog()
    video = 0
    while backlog.put(rtp(1, 1200)):
        video += 1
    assert video == VIDEO_BYTES // 1202
    assert not backlog.put(rtp(1, 60)) or video * 1202 + 62 <= VIDEO_BYTES
    sound = 0
    while backlog.put(rtp(2, SMALL_BYTES, 111)):
        sound += 1
    assert sound == URGENT_BYTES // (SMALL_BYTES + 2)
    assert len(backlog.take()) < CHUNK_BYTES + 1202


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(12, 1300)), max_size=60),
    st.integers(1, 5000),
)
def test_each_stream_comes_out_whole_and_in_order_however_it_is_written(packets, step):
    backlog = Backlog()
    kept = [one for one in (rtp(ssrc, size) for ssrc, size in packets) if backlog.put(one)]
    found = written(backlog, step)
    assert sorted(found) == sorted(kept)
    large = {one[8:12] for one in kept if len(one) > SMALL_BYTES}
    for ssrc in {one[8:12] for one in kept} - large:
        assert [x for x in found if x[8:12] == ssrc] == [x for x in kept if x[8:12] == ssrc]
    assert not backlog
