"""Guarded decoding: whatever a codec does costs one file, and nothing is left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hostile_codec import bad_file, worker_program
from hostile_files import encode, png, scene, seeds

from lookalike.errors import IntakeError, PictureError
from lookalike.images import (
    Collection,
    Crop,
    ImageSpec,
    IntakeLimits,
    crop,
    decode,
    find_pictures,
    guarded,
    thumbnail,
    worker_process,
)
from lookalike.images.answers import Part, Thumbnail
from lookalike.images.decoding import decode_in_order, decode_unguarded
from lookalike.images.guarded import Intake

SPEC = ImageSpec(20, 30, 3)
# Unlike any other limits: no worker of another test is taken over.
LIMITS = IntakeLimits(seconds=60.25, memory=400_000_000)
IMPATIENT = IntakeLimits(seconds=2.5, memory=400_000_000)
SUPPORT = str(Path(__file__).parent.parent / "support")


@pytest.fixture
def hostile(monkeypatch):
    monkeypatch.setattr(worker_process, "_PROGRAM", worker_program())


def limited(folder: Path, limits: IntakeLimits = LIMITS) -> Collection:
    found = find_pictures(folder)
    return Collection(folder, str(folder), "folder", found.pictures, limits=limits)


def write_good(folder: Path, count: int = 4) -> None:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        pixels = np.roll(scene(), number, axis=1)
        (folder / f"good-{number:02}.png").write_bytes(encode(pixels, "PNG"))


def taken(blocks) -> tuple[list[int], list[np.ndarray], dict[str, str]]:
    blocks = list(blocks)
    return (
        [position for block in blocks for position in block.positions],
        [pixels for block in blocks for pixels in block.pixels],
        {skipped.path: skipped.reason for block in blocks for skipped in block.skipped},
    )


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until_gone(pids: list[int], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while any(map(is_running, pids)):
        assert time.monotonic() < end, "a worker was left behind"
        time.sleep(0.05)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("spec", [SPEC, ImageSpec(5, 64, 1, fit="pad")])
def test_blocks_are_those_of_threads(tmp_path, spec, workers):
    for number, data in enumerate(list(seeds().values()) * 3):
        (tmp_path / f"{number:03}.jpg").write_bytes(data)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff not a picture")
    (tmp_path / "empty.png").write_bytes(b"")
    found = find_pictures(tmp_path)
    pairs = zip(
        decode_in_order(found, spec, workers), decode_unguarded(found, spec, 1), strict=True
    )
    for block, plain in pairs:
        np.testing.assert_array_equal(block.pixels, plain.pixels)
        for name in ("positions", "sizes", "files", "sha256", "skipped", "seen"):
            assert getattr(block, name) == getattr(plain, name)


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("abort", r"its decoding crashed \(SIGABRT\)"),
        ("segfault", r"its decoding crashed \(SIGSEGV\)"),
        ("hang", r"it took longer than 2\.5 s to decode"),
        ("spin", r"it took longer than 2\.5 s to decode"),
        ("eat", r"it needs more than 400 MB of memory"),
    ],
)
def test_what_a_codec_does_costs_one_file(tmp_path, hostile, deed, reason):
    write_good(tmp_path)
    (tmp_path / "good-01b.jpg").write_bytes(bad_file(deed))
    found = limited(tmp_path, IMPATIENT if deed in ("hang", "spin") else LIMITS)
    positions, pixels, skipped = taken(decode_in_order(found, SPEC))
    assert positions == [0, 1, 3, 4]
    assert list(skipped) == ["good-01b.jpg"]
    assert re.fullmatch(reason, skipped["good-01b.jpg"])
    (tmp_path / "good-01b.jpg").unlink()
    np.testing.assert_array_equal(pixels, taken(decode_unguarded(limited(tmp_path), SPEC))[1])


def test_a_file_that_crashes_keeps_its_size_and_time_so_that_it_is_not_tried_again(
    tmp_path, hostile
):
    (tmp_path / "bad.jpg").write_bytes(bad_file("abort"))
    found = limited(tmp_path)
    (block,) = decode_in_order(found, SPEC)
    assert block.skipped[0].file == found.stat(0) != (-1, -1)
    assert block.pixels.shape == (0, 20, 30, 3)


def test_a_worker_that_somebody_else_kills_costs_nothing(tmp_path):
    write_good(tmp_path)
    files = sorted(tmp_path.iterdir())
    pixels = np.empty((4, 20, 30, 3), np.uint8)
    with Intake(LIMITS) as intake:
        intake.decode(files, SPEC, pixels)
        (first,) = intake.pids
        os.kill(first, signal.SIGKILL)
        answers = intake.decode(files, SPEC, pixels)
        assert intake.pids != (first,)
    assert all(answer.size == (48, 32) for answer in answers)


def test_workers_are_passed_on_to_the_next_of_the_same_limits(tmp_path):
    write_good(tmp_path, 1)
    pids = []
    for limits in (LIMITS, LIMITS, IntakeLimits(seconds=2.75)):
        with Intake(limits) as intake:
            intake.decode([tmp_path / "good-00.png"], SPEC, np.empty((1, 20, 30, 3), np.uint8))
            pids.append(intake.pids)
    assert pids[0] == pids[1] != pids[2]


def test_pixels_bytes_and_memory_are_limited(tmp_path):
    write_good(tmp_path, 1)
    (tmp_path / "large.png").write_bytes(png(300, 200))
    (tmp_path / "long.png").write_bytes(png(8, 8) + bytes(40_000))
    limits = IntakeLimits(max_pixels=50_000, max_bytes=30_000)
    assert taken(decode_in_order(limited(tmp_path, limits), SPEC))[2] == {
        "large.png": "it claims 300×200 pixels, up to 50,000 are read",
        "long.png": "it is 40.1 KB large, up to 30 KB are read",
    }
    assert taken(decode_unguarded(limited(tmp_path, limits), SPEC))[0] == [0]
    (tmp_path / "huge.png").write_bytes(png(20_000, 12_000))
    hungry = IntakeLimits(max_pixels=300_000_000, memory=220_000_000)
    _, _, skipped = taken(decode_in_order(limited(tmp_path, hungry), SPEC))
    assert skipped == {"huge.png": "it needs more than 220 MB of memory"}


def test_without_an_interpreter_to_start_this_process_decodes(tmp_path, monkeypatch):
    write_good(tmp_path, 2)
    monkeypatch.setattr(sys, "executable", "")
    assert taken(decode_in_order(limited(tmp_path), SPEC))[0] == [0, 1]


@pytest.mark.parametrize("program", ["raise SystemExit('no luck')", "pass"])
def test_a_worker_that_cannot_start_is_an_error_of_one_line(tmp_path, monkeypatch, program):
    write_good(tmp_path, 2)
    monkeypatch.setattr(worker_process, "_PROGRAM", program)
    limits = IntakeLimits(seconds=3.25)
    with pytest.raises(IntakeError, match="cannot start a process that decodes") as caught:
        list(decode_in_order(limited(tmp_path, limits), SPEC))
    assert ("no luck" in str(caught.value)) == ("luck" in program)
    assert "\n" not in str(caught.value)


def test_who_stops_asking_ends_the_workers(tmp_path, hostile):
    write_good(tmp_path, 70)
    (tmp_path / "z.jpg").write_bytes(bad_file("hang"))
    intake = Intake(IntakeLimits(seconds=60.5))
    blocks = decode_in_order(limited(tmp_path), SPEC, 2, intake=intake)
    next(blocks)
    pids = list(intake.pids)
    start = time.monotonic()
    blocks.close()
    assert time.monotonic() - start < 20
    guarded._SPARE.end()  # the other one, which had nothing to do, was to wait for the next intake
    wait_until_gone(pids)
    with pytest.raises(IntakeError, match="stopped"):
        intake.decode([tmp_path / "z.jpg"], SPEC, np.empty((1, 20, 30, 3), np.uint8))


# Heeds Ctrl-C although the tests were started where it is ignored.
SCRIPT = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
import hostile_codec
from lookalike.images import ImageSpec, IntakeLimits, find_pictures, worker_process
from lookalike.images.decoding import decode_in_order
from lookalike.images.guarded import Intake

worker_process._PROGRAM = hostile_codec.worker_program()
print("imported", flush=True)
{before}
intake = Intake(IntakeLimits(seconds=100.0))
blocks = decode_in_order(find_pictures(Path(sys.argv[1])), ImageSpec(8, 8, 3), 2, intake=intake)
print(len(next(blocks).positions), *intake.pids, flush=True)
{after}
"""


def start_script(tmp_path: Path, before: str = "", after: str = "") -> subprocess.Popen[str]:
    """Run a script that has no `if __name__ == "__main__"`, in a process group of its own."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(before=before, after=after))
    (tmp_path / "numpy.py").write_text("raise ImportError('a file beside the pictures')")
    paths = [place for place in (SUPPORT, *sys.path) if place]
    return subprocess.Popen(
        [sys.executable, "-P", str(script), str(tmp_path / "photos")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_script_is_not_run_again_and_its_own_limits_hold(tmp_path):
    write_good(tmp_path / "photos")
    before = (
        "import resource; resource.setrlimit(resource.RLIMIT_DATA, (900_000_000,) * 2); "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))"
    )
    script = start_script(tmp_path, before)
    said, complaints = script.communicate(timeout=60)
    assert complaints == ""
    assert [line.split()[0] for line in said.splitlines()] == ["imported", "4"]


def test_a_script_that_ends_in_the_midst_does_not_wait_for_a_codec_that_hangs(tmp_path):
    write_good(tmp_path / "photos", 70)
    (tmp_path / "photos" / "z.jpg").write_bytes(bad_file("hang"))
    script = start_script(tmp_path)
    said, _ = script.communicate(timeout=60)  # its limit is 100 s
    wait_until_gone([int(pid) for pid in said.splitlines()[1].split()[1:]])


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_whoever_started_them(tmp_path, how):
    write_good(tmp_path / "photos", 70)
    (tmp_path / "photos" / "z.jpg").write_bytes(bad_file("hang"))
    script = start_script(tmp_path, after="list(blocks)")
    with script:
        script.stdout.readline()
        pids = [int(pid) for pid in script.stdout.readline().split()[1:]]
        assert pids
        time.sleep(0.3)
        if how == signal.SIGINT:
            os.killpg(script.pid, how)  # as Ctrl-C reaches all of a terminal's
        else:
            script.send_signal(how)
        script.wait(20)
        if how != signal.SIGINT:
            pids = [pid for pid in pids if not is_stuck(pid)]
        wait_until_gone(pids)
        for pid in map(int, pids):
            assert not is_running(pid)
    for pid in workers_of(tmp_path):
        os.kill(pid, signal.SIGKILL)


def is_stuck(pid: int) -> bool:
    """Whether a worker is in the file that hangs: its own alarm ends it, later than tests wait."""
    time.sleep(0.5)
    return is_running(pid)


def workers_of(place: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == place:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_worker_that_hangs_alone_ends_itself(tmp_path, hostile, monkeypatch):
    """Nobody looks after it: its own alarm goes off after twice the time and ten seconds."""
    program = worker_program().replace("; main()", "; import lookalike.images.worker as w; main()")
    short = program.replace("; main()", "; w._ALONE_SECONDS = 0.0; main()")
    monkeypatch.setattr(worker_process, "_PROGRAM", short)
    monkeypatch.setattr(worker_process.WorkerProcess, "look", lambda *_: None)
    (tmp_path / "z.jpg").write_bytes(bad_file("hang"))
    limits = IntakeLimits(seconds=0.25)
    found = Collection(
        tmp_path, str(tmp_path), "folder", find_pictures(tmp_path).pictures, limits=limits
    )
    _, _, skipped = taken(decode_in_order(found, SPEC))
    assert skipped == {"z.jpg": "its decoding crashed (SIGALRM)"}


def test_limits_are_checked():
    from lookalike.errors import SettingsError
    from lookalike.images.limits import parse_amount

    for wrong in ({"max_pixels": 0}, {"max_bytes": 1.5}, {"seconds": 0}, {"memory": 1000}):
        with pytest.raises(SettingsError, match="wanted"):
            IntakeLimits(**wrong)
    with pytest.raises(SettingsError, match="unknown limit 'pixels'"):
        IntakeLimits.from_dict({"pixels": 3})
    assert IntakeLimits.from_dict(LIMITS.as_dict()) == LIMITS
    assert [parse_amount(text) for text in ("7", "50M", "1.5 gb", "2,000")] == [
        7, 50_000_000, 1_500_000_000, 2000,
    ]  # fmt: skip
    for wrong in ("", "much", "-1", "1e9"):
        with pytest.raises(SettingsError, match="no amount"):
            parse_amount(wrong)


def test_thumbnails_are_those_of_this_process(tmp_path, hostile):
    with Intake(LIMITS) as intake:
        for number, data in enumerate(seeds().values()):
            file = tmp_path / f"{number}.jpg"
            file.write_bytes(data)
            for wanted in (Thumbnail(16, (9, 9, 9)), Thumbnail(160), Thumbnail(160, enlarge=False)):
                expected = thumbnail(data, wanted.size, wanted.background, enlarge=wanted.enlarge)
                np.testing.assert_array_equal(intake.thumbnail(file, wanted), expected)
        (tmp_path / "bad.jpg").write_bytes(bad_file("abort"))
        with pytest.raises(PictureError, match=r"bad\.jpg: its decoding crashed"):
            intake.thumbnail(tmp_path / "bad.jpg", Thumbnail(16))


def test_answers_that_nobody_read_are_not_the_next_ones(tmp_path):
    class Interrupted:
        def __setitem__(self, *_: object) -> None:
            raise KeyboardInterrupt

        def __getitem__(self, *_: object) -> None:
            raise KeyboardInterrupt

    write_good(tmp_path, 6)
    files = sorted(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt), Intake(LIMITS) as intake:
        intake.decode(files, SPEC, Interrupted())  # type: ignore[arg-type]
    wanted = Thumbnail(16)
    with Intake(LIMITS) as intake:
        for file in files[::-1]:
            expected = thumbnail(file, 16)
            np.testing.assert_array_equal(intake.thumbnail(file, wanted), expected)


def test_bytes_and_parts_are_read_as_in_this_process(tmp_path, hostile):
    data, box = encode(scene(), "PNG"), Crop(0.25, 0, 0.5, 0.75)
    (tmp_path / "a.png").write_bytes(data)
    with Intake(IntakeLimits(seconds=60.75, memory=400_000_000)) as intake:
        for source in (data, tmp_path / "a.png", str(tmp_path / "a.png")):
            read = intake.read(source, SPEC)
            np.testing.assert_array_equal(read.pixels, decode(data, SPEC).pixels)
            assert read.size == (48, 32)
            part = intake.read(source, Part(box, SPEC))
            np.testing.assert_array_equal(part.pixels, decode(crop(data, box), SPEC).pixels)
            assert part.size == (24, 24)
            small = intake.read(source, Part(box, Thumbnail(12)))
            np.testing.assert_array_equal(small.pixels, thumbnail(crop(data, box), 12))
        grey = intake.read(data, ImageSpec(8, 8, 1))
        assert grey.pixels.shape == (8, 8, 1)
        with pytest.raises(PictureError, match=r"cannot read the picture of 4 bytes: .*format"):
            intake.read(b"text", SPEC)
        with pytest.raises(PictureError, match="lies outside"):
            intake.read(data, Part(Crop(90, 0, 20, 20), SPEC))
        for deed, reason in (("abort", "SIGABRT"), ("eat", "more than 400 MB of memory")):
            with pytest.raises(PictureError, match=reason):
                intake.read(bad_file(deed), SPEC)
        np.testing.assert_array_equal(intake.read(data, SPEC).pixels, decode(data, SPEC).pixels)
    with Intake(IntakeLimits(max_bytes=100)) as narrow, pytest.raises(PictureError, match="large"):
        narrow.read(data, SPEC)
