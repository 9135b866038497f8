"""However little space is left, the engine opens, and once there is space the next sync completes.

The disk is a small one of its own where this process may mount one; else the writer may write no
file beyond a size. `LOOKALIKE_FULL=100 pytest tests/engine/test_full_disk.py` tries more amounts.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from drawing import draw_picture

import lookalike
from lookalike.engine import retrain_engine, sync_engine
from lookalike.engine.manifest import Layout
from lookalike.gallery import open_gallery

TIMES = int(os.environ.get("LOOKALIKE_FULL", "6"))
SIZE = "256m"
BEGIN = """
import resource, sys
limit = {limit}
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from lookalike.engine import retrain_engine, sync_engine, sync_job
from lookalike.errors import StorageError, TrainingError
import lookalike
sync_job.BATCH = 4
try:
    {action}
except (StorageError, TrainingError) as error:
    print(error)
    sys.exit(3)
"""
SYNC = "sync_engine({engine!r}, device='cpu')"
RETRAIN = "retrain_engine({engine!r}, epochs=2, resume=True, report=False, device='cpu')"
BUILD = (
    "lookalike.build({photos!r}, {engine!r}, epochs=2, size=16, resume=True, report=False, "
    "device='cpu')"
)

pytestmark = pytest.mark.slow


@dataclass
class Disk:
    """A disk that can be filled.

    Attributes:
        place: where it is.
        own: it is one, and not a folder whose writers are held back.
    """

    place: Path
    own: bool
    said: str = ""

    def run(self, action: str, left: int | None) -> int:
        """Do something in a process of its own with so many bytes left; return how it ended."""
        ballast = self.place / "ballast"
        if self.own and left is not None:
            free = shutil.disk_usage(self.place).free
            with ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(1, free - left))
        limit = 0 if self.own or left is None else max(1, left)
        code = BEGIN.format(limit=limit, action=action)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        ballast.unlink(missing_ok=True)
        assert done.returncode in (0, 3), done.stderr
        self.said = done.stdout
        assert done.returncode == 0 or len(done.stdout.splitlines()) == 1
        return done.returncode


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    try:
        own = subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        own = False
    yield Disk(place, own)
    if own:
        subprocess.run(["umount", "-l", str(place)], check=True)


def draw(folder: Path, numbers: range) -> None:
    for number in numbers:
        kind = ("disc", "square")[number % 2]
        place = folder / kind / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        draw_picture(kind, number).save(place)


def state(engine: Path) -> dict[str, tuple[str, np.ndarray]]:
    gallery = open_gallery(engine / "gallery")
    rows = zip(gallery.paths, gallery.sha256, gallery.embeddings, strict=True)
    return {path: (sha256, embedding) for path, sha256, embedding in rows}


def used(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*"))


def same(found: dict[str, tuple[str, np.ndarray]], wanted: dict[str, tuple[str, np.ndarray]]):
    assert found.keys() == wanted.keys()
    for path, (sha256, embedding) in wanted.items():
        assert found[path][0] == sha256
        np.testing.assert_allclose(found[path][1], embedding, atol=1e-4)


def amounts(seed: int, most: int, disk: Disk) -> list[int]:
    chance = random.Random(seed)
    # A file is small even where all that is written is not.
    top = most if disk.own else 12_000
    return [0, *(chance.randrange(top) for _ in range(TIMES - 1))]


def test_a_sync_survives_a_full_disk(living: Path, disk: Disk):
    photos, engine = living, disk.place / "e.lookalike"
    shutil.copytree(living.parent / "e.lookalike", engine)
    draw(photos, range(40, 60))
    (photos / "disc" / "0.png").rename(photos / "moved.png")
    (photos / "square" / "1.png").unlink()
    undisturbed = living.parent / "undisturbed.lookalike"
    shutil.copytree(engine, undisturbed)
    before, size = state(engine), used(undisturbed)
    sync_engine(undisturbed, device="cpu")
    wanted, needed = state(undisturbed), used(undisturbed) - size
    known = set(wanted) & set(before)
    ends = []
    for left in amounts(0, needed, disk):
        ends.append(disk.run(SYNC.format(engine=str(engine)), left))
        now = state(engine)
        assert known <= set(now)  # what was committed stays
        known |= set(now) & set(wanted)
        assert len(lookalike.open(engine, device="cpu").search("disc/2.png", k=5)) == 5
        if ends[-1] == 0:
            shutil.rmtree(engine)
            shutil.copytree(living.parent / "e.lookalike", engine)
            known = set(wanted) & set(before)
    assert ends[0] == 3
    assert disk.run(SYNC.format(engine=str(engine)), None) == 0, disk.said
    same(state(engine), wanted)
    assert len(lookalike.open(engine, device="cpu").oddities(99).oddities) == len(wanted)


def test_a_retraining_survives_a_full_disk(living: Path, disk: Disk):
    engine = disk.place / "e.lookalike"
    shutil.copytree(living.parent / "e.lookalike", engine)
    undisturbed = living.parent / "undisturbed.lookalike"
    shutil.copytree(engine, undisturbed)
    retrain_engine(undisturbed, epochs=2, report=False, device="cpu")
    before, wanted, size = state(engine), state(undisturbed), used(undisturbed)
    for left in amounts(1, size, disk)[: max(2, TIMES // 3)]:
        ended = disk.run(RETRAIN.format(engine=str(engine)), left)
        same(state(engine), before if ended else wanted)
        assert len(lookalike.open(engine, device="cpu").search("disc/2.png", k=5)) == 5
        if ended == 0:
            break
    if ended:
        assert disk.run(RETRAIN.format(engine=str(engine)), None) == 0, disk.said
    same(state(engine), wanted)
    assert not Layout(engine).partial.exists()


def test_a_build_survives_a_full_disk(living: Path, disk: Disk):
    engine, undisturbed = disk.place / "e.lookalike", living.parent / "undisturbed.lookalike"
    lookalike.build(living, undisturbed, epochs=2, size=16, report=False, device="cpu")
    size, ended = used(undisturbed), 3
    for left in amounts(2, size, disk)[: max(2, TIMES // 3)]:
        ended = disk.run(BUILD.format(photos=str(living), engine=str(engine)), left)
        assert engine.exists() == (ended == 0)
        if ended == 0:
            break
    if ended:
        assert disk.run(BUILD.format(photos=str(living), engine=str(engine)), None) == 0, disk.said
    same(state(engine), state(undisturbed))
