"""Indexing again: a crash at any moment leaves the old engine or the new one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import lookalike
from lookalike.engine import filling, index_engine
from lookalike.errors import StorageError

PARTS = {"manifest.json", "encoder", "gallery", "cache", "reports"}
PARTS |= {"drift.json", "lock", "synced.json"}


def crash_at(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the renaming of that number, from 0, fail, and all that come after it."""
    done = []

    def crashing(rename: Callable[..., None]) -> Callable[..., None]:
        def renamed(*names: object, **options: object) -> None:
            done.append(names)
            if len(done) > number:
                raise KeyboardInterrupt
            rename(*names, **options)

        return renamed

    monkeypatch.setattr(os, "rename", crashing(os.rename))
    monkeypatch.setattr(os, "replace", crashing(os.replace))


def test_a_crash_leaves_the_old_engine_or_the_new(
    engine_path: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    sizes, crashed, number = [], True, 0
    while crashed:
        place = tmp_path / f"{number}.lookalike"
        shutil.copytree(engine_path, place, ignore=shutil.ignore_patterns("spectral"))
        with monkeypatch.context() as patched:
            crash_at(number, patched)
            try:
                index_engine(place, photos / "stripes", device="cpu")
                crashed = False
            except KeyboardInterrupt:
                number += 1
        engine = lookalike.open(place, device="cpu")
        sizes.append(len(engine))
        assert len(engine) == len(engine.gallery)
        content = (photos / "stripes" / "00.png").read_bytes()
        assert len(engine.search(content, k=100)) == len(engine)
        assert len(index_engine(place, photos / "disc", device="cpu")) == 12
        assert {path.name for path in place.iterdir()} == PARTS
        shutil.rmtree(place)
    assert sizes == sorted(sizes, reverse=True)
    assert set(sizes) == {36, 12}


def test_a_full_disk_leaves_the_old_engine(
    engine_path: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object, **__: object) -> None:
        raise StorageError("the disk is full")

    place = tmp_path / "e.lookalike"
    shutil.copytree(engine_path, place, ignore=shutil.ignore_patterns("spectral"))
    monkeypatch.setattr(filling, "write_gallery", full)
    with pytest.raises(StorageError, match="full"):
        index_engine(place, photos / "stripes", device="cpu")
    engine = lookalike.open(place, device="cpu")
    assert len(engine.search("disc/00.png", k=100)) == 35
    assert len(engine.search((photos / "disc" / "00.png").read_bytes(), k=100)) == 36
    assert {path.name for path in place.iterdir()} == PARTS
