"""Whatever moment a writer is killed at, the engine opens, and the next sync completes it.

`LOOKALIKE_KILLS=50 pytest tests/engine/test_killed.py` kills fifty times; by default it is a few.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawing import draw_picture

import lookalike
from lookalike.engine import sync_engine
from lookalike.errors import EngineError
from lookalike.gallery import open_gallery

KILLS = int(os.environ.get("LOOKALIKE_KILLS", "4"))
# Small batches, and compaction at every sync that throws away all it can: many moments to be hit.
SYNC = """
from datetime import timedelta
from lookalike.engine import sync_engine, sync_job
from lookalike.gallery import changes
sync_job.BATCH, changes.MOST_FRAGMENTS = 2, 1
compact = changes.GalleryWriter.compact
changes.GalleryWriter.compact = lambda self: compact(self, timedelta(0))
print("ready", flush=True)
sync_engine({engine!r}, device="cpu")
"""
BUILD = """
import lookalike
print("ready", flush=True)
lookalike.build({photos!r}, {engine!r}, epochs=3, size=16, batch_size=4, report=False,
                device="cpu", resume=True)
"""
RETRAIN = """
from lookalike.engine import retrain_engine
print("ready", flush=True)
retrain_engine({engine!r}, epochs=3, report=False, device="cpu", resume=True)
"""

pytestmark = pytest.mark.slow


def draw(folder: Path, numbers: range) -> None:
    for number in numbers:
        place = folder / ("disc", "square")[number % 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        draw_picture(("disc", "square")[number % 2], number).save(place)


def start(code: str) -> subprocess.Popen[str]:
    """Start a process, and wait until it has imported all and begins."""
    job = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert job.stdout is not None
    assert job.stdout.readline() == "ready\n", job.communicate()[1]
    return job


def timed(code: str) -> float:
    started = time.perf_counter()
    with start(code) as job:
        begun = time.perf_counter()
        _, errors = job.communicate()
        assert job.returncode == 0, errors
    return time.perf_counter() - max(begun, started)


def kill_at_random_moments(
    code: str, longest: float, chance: random.Random, check: Callable[[], None]
) -> None:
    for _ in range(KILLS):
        with start(code) as job:
            time.sleep(chance.uniform(0, longest))
            job.kill()
            job.communicate()
        check()


def state(engine: Path) -> dict[str, tuple[str, np.ndarray]]:
    gallery = open_gallery(engine / "gallery")
    assert len(set(gallery.paths)) == len(gallery)
    rows = zip(gallery.paths, gallery.sha256, gallery.embeddings, strict=True)
    return {path: (sha256, embedding) for path, sha256, embedding in rows}


def test_a_sync_may_be_killed(tmp_path: Path):
    photos, engine, chance = tmp_path / "photos", tmp_path / "e.lookalike", random.Random(0)
    draw(photos, range(40))
    lookalike.build(photos, engine, epochs=1, size=16, report=False, device="cpu")
    draw(photos, range(40, 60))
    for number in range(10):
        (photos / "disc" / f"{2 * number}.png").rename(photos / f"moved {number}.png")
        (photos / "square" / f"{2 * number + 1}.png").unlink()
    other = tmp_path / "undisturbed.lookalike"
    shutil.copytree(engine, other)
    longest = timed(SYNC.format(engine=str(other)))
    wanted, before = state(other), state(engine)
    committed: set[str] = set()

    def check() -> None:
        now = state(engine)
        assert all(now[path][0] == (wanted | before)[path][0] for path in now)
        # What has been added is never lost again; what is where it was is always there.
        assert committed | (set(wanted) & set(before)) <= set(now)
        committed.update(set(now) & set(wanted))
        assert len(lookalike.open(engine, device="cpu").search("disc/30.png", k=5)) == 5

    kill_at_random_moments(SYNC.format(engine=str(engine)), longest, chance, check)
    sync_engine(engine, device="cpu")
    found = state(engine)
    assert found.keys() == wanted.keys()
    for path, (sha256, embedding) in wanted.items():
        assert found[path][0] == sha256
        np.testing.assert_allclose(found[path][1], embedding, atol=1e-5)
    assert len(lookalike.open(engine, device="cpu").oddities(99).oddities) == len(wanted)


def test_a_build_may_be_killed(tmp_path: Path):
    photos, engine, chance = tmp_path / "photos", tmp_path / "e.lookalike", random.Random(1)
    draw(photos, range(24))
    undisturbed = tmp_path / "undisturbed.lookalike"
    code = BUILD.format(photos=str(photos), engine=str(engine))
    longest = timed(BUILD.format(photos=str(photos), engine=str(undisturbed)))

    def check() -> None:
        if engine.exists():
            assert len(lookalike.open(engine).gallery) == 24
            return
        with pytest.raises(EngineError, match=r"not finished|no engine at"):
            lookalike.open(engine)

    kill_at_random_moments(code, longest, chance, check)
    if not engine.exists():
        timed(code)
    wanted, found = state(undisturbed), state(engine)
    assert found.keys() == wanted.keys()
    for path, (_, embedding) in wanted.items():
        np.testing.assert_allclose(found[path][1], embedding, atol=1e-4)


def test_a_retraining_may_be_killed(tmp_path: Path):
    photos, engine, chance = tmp_path / "photos", tmp_path / "e.lookalike", random.Random(2)
    undisturbed = tmp_path / "undisturbed.lookalike"
    draw(photos, range(20))
    lookalike.build(photos, engine, epochs=1, size=16, report=False, device="cpu")
    draw(photos, range(20, 24))
    shutil.copytree(engine, undisturbed)
    longest = timed(RETRAIN.format(engine=str(undisturbed)))
    before, wanted = state(engine), state(undisturbed)

    def check() -> None:
        opened = lookalike.open(engine, device="cpu")
        assert state(engine).keys() == (wanted if opened.manifest.retrained else before).keys()
        assert len(opened.search("disc/4.png", k=5)) == 5
        if opened.manifest.retrained:  # begin again
            check_same(state(engine), wanted)
            shutil.rmtree(engine)
            shutil.copytree(untrained, engine)

    untrained = tmp_path / "untrained.lookalike"
    shutil.copytree(engine, untrained)
    kill_at_random_moments(RETRAIN.format(engine=str(engine)), longest, chance, check)
    timed(RETRAIN.format(engine=str(engine)))
    check_same(state(engine), wanted)


def check_same(
    found: dict[str, tuple[str, np.ndarray]], wanted: dict[str, tuple[str, np.ndarray]]
) -> None:
    assert found.keys() == wanted.keys()
    for path, (sha256, embedding) in wanted.items():
        assert found[path][0] == sha256
        np.testing.assert_allclose(found[path][1], embedding, atol=1e-4)
