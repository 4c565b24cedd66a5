"""Files as FFmpeg reads them: whole ones, and ones whose writer died anywhere."""

import fcntl
import hashlib
import random
import stat
import subprocess

import av
import pytest

from bridge.media_worker import matroska, store
from bridge.media_worker.store import Segment, Totals
from bridge.media_worker.tape import Append, Begin, End, Tape
from signaling.wire.recordings import Manifest
from tests.bridge.media_worker.reel import NAMES, START, loop, pictures, played, sounds

LOOP = loop()
MANIFEST = Manifest("c", "1-program", "Hội nghị", "", START)


@pytest.fixture(scope="module")
def outputs():
    tape = Tape(NAMES, "Hội nghị", 600.0)
    return played(tape, list(pictures(LOOP, START, 120)), list(sounds(LOOP, START, 600)))


def written(folder, outputs):
    segment = None
    for output in outputs:
        match output:
            case Begin():
                segment = Segment(folder, output)
            case Append():
                segment.append(output)
            case End():
                segment.end(output, 3, 2)
    return segment


def decoded(path):
    with av.open(path) as container:
        sound = sum(1 for _ in container.decode(audio=0))
    with av.open(path) as container:
        picture = [frame.time for frame in container.decode(video=0)]
    return picture, sound


def probe(path, *entries):
    shown = subprocess.run(
        ["ffprobe", "-v", "warning", "-show_entries", *entries, "-of", "csv=p=0", path],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert shown.stderr == ""
    return shown.stdout.split()


def test_a_closed_file_is_complete_for_others(tmp_path, outputs):
    path = written(tmp_path, outputs).path
    assert probe(path, "format=duration") == ["11.980000"]
    assert decoded(path) == (pytest.approx([number / 10 for number in range(120)]), 600)
    shown = subprocess.run(
        ["ffmpeg", "-v", "warning", "-xerror", "-i", path, "-map", "0", "-f", "null", "-"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert shown.stderr == ""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_closed_file_can_be_jumped_about_in(tmp_path, outputs):
    path = written(tmp_path, outputs).path
    with av.open(path) as container:
        container.seek(9_000_000)
        assert next(container.decode(video=0)).time == 6.0


def test_its_sidecar_says_what_it_is(tmp_path, outputs):
    segment = written(tmp_path, outputs)
    sidecar = store.read_sidecar(segment.path)
    assert sidecar == segment.sidecar
    data = segment.path.read_bytes()
    assert sidecar.sha256 == hashlib.sha256(data).hexdigest()
    assert (sidecar.octets, sidecar.seconds, sidecar.cut) == (len(data), 11.98, False)
    assert sidecar.ended_at == pytest.approx(START + 11.98)
    assert (sidecar.tracks, sidecar.lost, sidecar.skipped) == (["picture", "sound 1"], 3, 2)


def test_cut_anywhere_it_plays_up_to_there_and_repair_makes_it_whole(tmp_path, outputs):
    whole = written(tmp_path, [one for one in outputs if not isinstance(one, End)])
    data = whole.path.read_bytes()
    whole.abandon()
    sidecar = whole.path.with_suffix(".json").read_bytes()
    ends = [len(outputs[0].head.data)]
    for output in outputs:
        if isinstance(output, Append):
            ends.append(ends[-1] + len(output.data))
    places = random.Random(7)
    cuts = sorted(
        {ends[0], ends[-1], *ends[2:6], *(places.randrange(ends[0], ends[-1]) for _ in range(25))}
    )
    for number, cut in enumerate(cuts):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / "0001.mkv"
        path.write_bytes(data[:cut])
        path.with_suffix(".json").write_bytes(sidecar)
        if cut > ends[1]:
            before, _ = decoded(path)
            repaired = store.repair(path)
            after, sound = decoded(path)
            assert after[: len(before)] == before[: len(after)]
            # a cluster that is not whole goes: half a second of ten pictures
            assert len(after) >= len(before) - 5
            assert after == pytest.approx([at / 10 for at in range(len(after))])
            assert sound / 50 == pytest.approx(repaired.seconds, abs=0.55)
        elif cut < ends[1]:
            assert store.repair(path) is None
            assert list(folder.iterdir()) == []
            continue
        else:
            repaired = store.repair(path)
        assert repaired.cut
        assert repaired.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        probe(path, "format=duration")
        assert store.repair(path) == repaired


def test_what_was_on_disk_when_its_writer_died_is_all_but_the_last_second(tmp_path, outputs):
    for count in range(2, len(outputs) - 1, 3):
        folder = tmp_path / str(count)
        folder.mkdir()
        segment = written(folder, outputs[:count])
        segment.abandon()
        repaired = store.repair(segment.path)
        assert repaired.seconds == pytest.approx(segment.seconds, abs=0.001)


def test_a_file_that_is_being_written_is_left_alone(tmp_path, outputs):
    segment = written(tmp_path, outputs[:5])
    before = segment.path.read_bytes()
    assert store.repair(segment.path) is None
    assert segment.path.read_bytes() == before
    segment.abandon()
    assert store.repair(segment.path) is not None


def test_a_file_that_was_closed_but_whose_sidecar_was_lost_is_not_cut(tmp_path, outputs):
    path = written(tmp_path, outputs).path
    data = path.read_bytes()
    path.with_suffix(".json").unlink()
    assert not store.repair(path).cut
    assert path.read_bytes() == data


@pytest.mark.parametrize("content", [b"", b"x" * 300, b"\x1a\x45\xdf\xa3" + bytes(400)])
def test_a_file_that_is_none_of_ours_is_left_as_it_is(tmp_path, content):
    path = tmp_path / "0001.mkv"
    path.write_bytes(content)
    assert store.repair(path) is None
    assert path.read_bytes() == content


def test_damaged_bytes_break_no_scan(tmp_path, outputs):
    path = written(tmp_path, outputs).path
    data = bytearray(path.read_bytes())
    noise = random.Random(11)
    for _ in range(300):
        torn = bytearray(data)
        for _ in range(20):
            torn[noise.randrange(len(torn))] = noise.randrange(256)
        path.write_bytes(torn)
        with path.open("rb") as file:
            found = matroska.scan(file, len(torn))
        assert found is None or found.end <= len(torn)


def test_a_recording_goes_on_in_the_next_file_and_its_sums_are_right(tmp_path, outputs):
    folder = tmp_path / "c" / "1-program"
    assert store.begin_recording(folder, MANIFEST) == Totals()
    first = written(folder, outputs)
    second = written(folder, outputs[:6])
    second.abandon()
    totals = store.begin_recording(folder, Manifest("c", "1-program", "T", "", START + 50))
    assert [path.name for path in store.segments_of(folder)] == ["0001.mkv", "0002.mkv"]
    assert totals.segments == 2
    assert totals.octets == first.octets + second.octets + 0 or totals.octets > first.octets
    assert store.read_manifest(folder).started_at == START
    assert store.read_manifest(folder).ended_at is None
    store.end_recording(folder, START + 99)
    assert store.read_manifest(folder).ended_at == START + 99


def test_a_recording_of_nothing_leaves_nothing(tmp_path):
    folder = tmp_path / "c" / "1-48"
    store.begin_recording(folder, MANIFEST)
    store.end_recording(folder, START)
    assert list(tmp_path.iterdir()) == []
    store.end_recording(folder, START)


def test_after_a_crash_everything_is_closed_but_strangers_are_not_touched(tmp_path, outputs):
    for name in ("1-program", "1-48"):
        folder = tmp_path / "c" / name
        store.begin_recording(folder, MANIFEST)
        written(folder, outputs[:5]).abandon()
    (tmp_path / "c" / "1-48" / "film.mkv").write_bytes(b"mine")
    assert store.repair_all(tmp_path) == 2
    assert store.repair_all(tmp_path) == 0
    assert (tmp_path / "c" / "1-48" / "film.mkv").read_bytes() == b"mine"


def test_a_lock_ends_with_its_holder(tmp_path, outputs):
    segment = written(tmp_path, outputs[:3])
    with segment.path.open("rb") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    segment.abandon()
    with segment.path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
