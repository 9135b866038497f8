from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import lance
import numpy as np
import pytest

from lookalike.errors import GalleryError, StorageError
from lookalike.gallery import (
    Gallery,
    GalleryRows,
    GalleryWriter,
    MovedRows,
    open_gallery,
    write_gallery,
)

RNG = np.random.default_rng(0)


def rows(*paths: str, seed: int = 0) -> GalleryRows:
    count = len(paths)
    return GalleryRows(
        paths=paths,
        labels=["a"] * count,
        splits=[None] * count,
        widths=np.full(count, 9, np.int32),
        heights=np.full(count, 9, np.int32),
        sha256=[f"{seed}{path}" for path in paths],
        embeddings=np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32),
        file_sizes=np.arange(count, dtype=np.int64),
        modified=np.full(count, 2**60, np.int64),
    )


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return write_gallery(tmp_path / "g", rows("0", "1", "2", "3", "4"), fingerprint="f")


def moved(gallery: Gallery, places: list[int], paths: list[str]) -> MovedRows:
    count = len(places)
    return MovedRows(
        gallery.ids[places], paths, ["b"] * count, ["val"] * count,
        np.full(count, 77), np.full(count, 88),
    )  # fmt: skip


def test_added_changed_moved_and_removed(gallery: Gallery):
    writer = GalleryWriter(gallery.directory)
    new, changed = rows("5", "6", seed=1), rows("1", seed=2)
    writer.put(new, np.array([5, 6]))
    writer.put(changed, gallery.ids[[1]])
    writer.move(moved(gallery, [3, 0], ["3 moved", "0 moved"]))
    writer.remove(gallery.ids[[2]])
    after = open_gallery(gallery.directory)
    assert after.paths == ["0 moved", "1", "3 moved", "4", "5", "6"]
    assert after.ids.tolist() == [0, 1, 3, 4, 5, 6]
    assert after.labels == ["b", "a", "b", "a", "a", "a"]
    assert after.splits == ["val", None, "val", None, None, None]
    assert after.file_sizes.tolist() == [77, 0, 77, 4, 0, 1]
    wanted = [
        gallery.embeddings[0], changed.embeddings[0], gallery.embeddings[3], gallery.embeddings[4],
        *new.embeddings,
    ]  # fmt: skip
    np.testing.assert_array_equal(after.embeddings, wanted)
    assert after.embeddings.flags.c_contiguous
    assert after.positions("label = 'b'").tolist() == [0, 2]
    assert (after.lineage, after.fingerprint) == (gallery.lineage, "f")


def test_a_reader_keeps_its_state(gallery: Gallery):
    writer = GalleryWriter(gallery.directory)
    writer.remove(gallery.ids[:4])
    writer.compact()
    assert len(gallery) == 5
    assert gallery.paths == ["0", "1", "2", "3", "4"]
    assert gallery.embeddings.shape == (5, 3)  # read only now
    assert gallery.positions("path >= '3'").tolist() == [3, 4]
    assert len(open_gallery(gallery.directory)) == 1


def test_nothing_to_change_commits_nothing(gallery: Gallery):
    writer = GalleryWriter(gallery.directory)
    writer.remove(gallery.ids[:0])
    writer.move(moved(gallery, [], []))
    assert open_gallery(gallery.directory).version == gallery.version


def test_many_small_changes_are_compacted_and_old_states_forgotten(gallery: Gallery):
    writer = GalleryWriter(gallery.directory)
    for number in range(5, 45):
        writer.put(rows(str(number), seed=number), np.array([number]))
    before = open_gallery(gallery.directory)
    embeddings, paths = before.embeddings, before.paths
    late = open_gallery(gallery.directory)
    writer.compact(kept=timedelta(0))
    after = open_gallery(gallery.directory)
    assert after.paths == paths
    with pytest.raises(GalleryError, match="replaced too long ago"):
        _ = late.labels
    np.testing.assert_array_equal(after.embeddings, embeddings)
    assert len(lance.dataset(str(gallery.directory)).get_fragments()) == 1
    assert len(writer.versions()) == 1


def test_an_old_state_that_was_the_newest_until_now_stays(gallery: Gallery):
    time.sleep(1.2)  # it is older than what is kept, but only now replaced
    writer = GalleryWriter(gallery.directory)
    writer.remove(gallery.ids[:2])
    writer.compact(kept=timedelta(seconds=1))
    assert [one.pictures for one in writer.versions()] == [5, 3]
    assert gallery.embeddings.shape == (5, 3)
    time.sleep(1.2)
    writer.compact(kept=timedelta(seconds=1))
    assert [one.pictures for one in writer.versions()] == [3]


def test_going_back_is_a_change_too(gallery: Gallery):
    writer = GalleryWriter(gallery.directory)
    writer.remove(gallery.ids[:4])
    writer.put(rows("9", seed=9), np.array([9]))
    counts = [(one.version, one.pictures) for one in writer.versions()]
    assert [pictures for _, pictures in counts] == [5, 1, 2]
    writer.restore(counts[0][0])
    assert open_gallery(gallery.directory).paths == gallery.paths
    assert len(writer.versions()) == 4
    writer.restore(counts[2][0])
    assert open_gallery(gallery.directory).paths == ["4", "9"]
    with pytest.raises(GalleryError, match="no version 99"):
        writer.restore(99)


def test_every_file_of_a_commit_is_synced(gallery: Gallery, monkeypatch: pytest.MonkeyPatch):
    names: dict[int, Path] = {}
    opened, synced = os.open, []

    def remember(path: str | Path, *rest: object, **named: object) -> int:
        handle = opened(path, *rest, **named)  # type: ignore[arg-type]
        names[handle] = Path(path)
        return handle

    monkeypatch.setattr(os, "open", remember)
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(names[handle]))
    before = set(gallery.directory.rglob("*"))
    GalleryWriter(gallery.directory).put(rows("9"), np.array([9]))
    new = set(gallery.directory.rglob("*")) - before
    assert new
    assert new <= set(synced)
    assert {path.parent for path in new} <= set(synced)


def test_a_full_disk_changes_nothing(gallery: Gallery, monkeypatch: pytest.MonkeyPatch):
    writer = GalleryWriter(gallery.directory)

    def full(*_: object) -> None:
        raise OSError("LanceError(IO): No space left on device (os error 28), /x/y/io.rs:3:9")

    monkeypatch.setattr(lance.LanceDataset, "delete", full)
    with pytest.raises(StorageError, match=r"cannot change the gallery at .*No space left"):
        writer.remove(gallery.ids)
    assert len(open_gallery(gallery.directory)) == 5


def test_no_gallery_to_change(tmp_path: Path):
    with pytest.raises(GalleryError, match="damaged"):
        GalleryWriter(tmp_path / "none")


@pytest.mark.parametrize("lost", ["_versions", "data"])
def test_a_state_that_a_loss_of_power_left_half_written_has_not_happened(
    lost: str, gallery: Gallery
):
    before = {path for path in gallery.directory.rglob("*") if path.is_file()}
    GalleryWriter(gallery.directory).put(rows("9"), np.array([9]))
    for path in set((gallery.directory / lost).rglob("*")) - before:
        if path.suffix != ".json":
            path.write_bytes(b"")
    assert open_gallery(gallery.directory).paths == gallery.paths
    writer = GalleryWriter(gallery.directory)
    writer.put(rows("7"), np.array([7]))
    assert open_gallery(gallery.directory).paths == [*gallery.paths, "7"]
