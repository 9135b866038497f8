"""What counts as committed has been synced, files and folders: shown by a trace of system calls."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from drawing import draw_picture
from traced import CALLS, undone_at_marks

GALLERY = """
import os
from datetime import timedelta
import numpy as np
from pathlib import Path
from lookalike.gallery import GalleryRows, GalleryWriter, MovedRows, changes, write_gallery

def rows(start, count):
    names = [f"{number}.png" for number in range(start, start + count)]
    sides, zeros = np.full(count, 4, np.int32), np.zeros(count, np.int64)
    embeddings = np.random.default_rng(start).normal(size=(count, 8)).astype(np.float32)
    return GalleryRows(names, [None] * count, [None] * count, sides, sides, ["0" * 64] * count,
                       embeddings, zeros, zeros)

def committed():
    os.write(1, b"committed\\n")

place = Path(PLACE)
write_gallery(place, rows(0, 10), fingerprint="x")
committed()
writer = GalleryWriter(place)
writer.put(rows(10, 5), np.arange(10, 15))
committed()
zeros = np.zeros(1, np.int64)
writer.move(MovedRows(np.array([3]), ["moved.png"], [None], [None], zeros, zeros))
committed()
writer.remove(np.array([1, 2]))
committed()
changes.MOST_FRAGMENTS = 1
writer.compact(timedelta(0))
committed()
"""
SYNC = """
import os
from lookalike.engine import sync_engine
sync_engine(PLACE, device="cpu")
os.write(1, b"committed\\n")
"""

RETRAIN = """
import os
from lookalike.engine import retrain_engine
retrain_engine(PLACE, epochs=1, report=False, device="cpu")
os.write(1, b"committed\\n")
"""


def trace(code: str, place: Path) -> list[set[str]]:
    """Run code under a trace; return what was not yet synced whenever it said "committed"."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    written = place.with_suffix(".trace")
    command = [strace, "-f", "-y", "-qq", "-s", "4096", "-e", f"trace={CALLS}", "-o", str(written)]
    done = subprocess.run(
        [*command, sys.executable, "-c", code.replace("PLACE", repr(str(place)))],
        capture_output=True,
        text=True,
    )
    if "ptrace" in done.stderr:
        pytest.skip("this machine does not allow traces")
    assert done.returncode == 0, done.stderr
    return undone_at_marks(written, place)


def test_every_commit_of_a_gallery_is_synced(tmp_path: Path):
    assert trace(GALLERY, tmp_path / "gallery") == [set()] * 5


def test_a_sync_is_synced(living: Path):
    engine = living.parent / "e.lookalike"
    draw_picture("disc", 50).save(living / "disc" / "new.png")
    (living / "disc" / "1.png").rename(living / "disc" / "moved.png")
    (living / "disc" / "2.png").unlink()
    (undone,) = trace(SYNC, engine)
    # Those may be lost: decoded pictures can be made again, the lock is of no use afterwards.
    held = {one for one in undone if not one.startswith((f"{engine}/cache", f"{engine}/lock"))}
    assert held <= {str(engine)}  # the lock is a name in it


def test_a_retrained_engine_is_synced_before_it_takes_its_place(living: Path):
    engine = living.parent / "e.lookalike"
    (undone,) = trace(RETRAIN, engine)
    parts = ("cache", "lock", "reports", "checkpoint")
    held = {one for one in undone if not one.startswith(tuple(f"{engine}/{one}" for one in parts))}
    assert held <= {str(engine), str(engine.parent)}


def test_a_trace_shows_what_is_not_synced(tmp_path: Path):
    lines = [
        f'7 openat(AT_FDCWD, "{tmp_path}/g/a.tmp", O_RDWR|O_CREAT, 0666) = 3<{tmp_path}/g/a.tmp>',
        f'7 write(3<{tmp_path}/g/a.tmp>, "x", 1) = 1',
        f'8 fsync(4<{tmp_path}/g> <unfinished ...>',
        f'7 rename("{tmp_path}/g/a.tmp", "{tmp_path}/g/a") = 0',
        '7 write(1<pipe:[1]>, "committed", 9) = 9',
        "8 <... fsync resumed>) = 0",
        '7 write(1<pipe:[1]>, "committed", 9) = 9',
        f'7 fsync(3<{tmp_path}/g/a>) = 0',
        '7 write(1<pipe:[1]>, "committed", 9) = 9',
    ]  # fmt: skip
    (tmp_path / "trace").write_text("\n".join(lines))
    assert undone_at_marks(tmp_path / "trace", tmp_path / "g") == [
        {f"{tmp_path}/g", f"{tmp_path}/g/a"},
        {f"{tmp_path}/g/a"},
        set(),
    ]
