"""Sync: the gallery follows the folder, and only what changed is embedded."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from drawing import draw_picture

import lookalike
import lookalike.gallery
import lookalike.images
from lookalike import walking
from lookalike.encoder import Encoder
from lookalike.engine import Engine, comparing, index_engine, lock, sync_engine, sync_job
from lookalike.engine.calibration_file import keep_calibration
from lookalike.engine.manifest import Layout
from lookalike.engine.states import gallery_history, restore_gallery
from lookalike.errors import EngineError
from lookalike.gallery import open_gallery
from lookalike.images import cache_update
from lookalike.images.answers import UNREAD, Answer
from lookalike.images.guarded import Intake
from lookalike.search.calibration import Calibration, Curve, Familiarity, Judge

Pictures = dict[str, tuple[str, bytes]]


@pytest.fixture
def photos(living: Path) -> Path:
    """The folder of an engine `e.lookalike` beside it, both free to be changed."""
    return living


def engine_of(photos: Path) -> Path:
    return photos.parent / "e.lookalike"


def state(photos: Path) -> Pictures:
    """Path to content and embedding of every picture in the gallery."""
    gallery = open_gallery(engine_of(photos) / "gallery")
    assert len(set(gallery.paths)) == len(gallery)
    rows = zip(gallery.paths, gallery.sha256, gallery.embeddings, strict=True)
    return {path: (sha256, embedding.tobytes()) for path, sha256, embedding in rows}


def counts(photos: Path, **settings: bool) -> dict[str, int]:
    """Sync; return the counts that are not 0."""
    return counts_of(engine_of(photos), **settings)


def counts_of(engine: Path, **settings: bool) -> dict[str, int]:
    report = sync_engine(engine, **settings).as_dict()
    names = ("added", "changed", "copied", "moved", "touched", "removed", "kept", "skipped",
             "unchanged", "embedded")  # fmt: skip
    return {name: report[name] for name in names if report[name]}


def check_cache(photos: Path) -> None:
    """The decoded pictures are those of the files, under their paths, and no others."""
    engine = lookalike.open(engine_of(photos))
    cache = engine.cache
    assert cache is not None
    assert {cache.paths[row] for row in cache.rows()} == set(engine.gallery.paths)
    for path in engine.gallery.paths:
        row = cache.position(path)
        assert row is not None
        decoded = lookalike.images.decode(photos / path, engine.image).pixels
        np.testing.assert_array_equal(cache.pixels[row], decoded)


def test_nothing_has_changed(photos: Path, embedded: list[int]):
    version = open_gallery(engine_of(photos) / "gallery").version
    assert counts(photos) == {"unchanged": 16}
    assert counts(photos, verify=True) == {"unchanged": 16}
    assert not embedded
    assert open_gallery(engine_of(photos) / "gallery").version == version


def test_what_is_as_it_was_is_not_looked_at(photos: Path, monkeypatch: pytest.MonkeyPatch):
    from lookalike.engine import sync_run

    def never(*_: object, **__: object) -> None:
        raise AssertionError("compared")

    sync_engine(engine_of(photos))
    with monkeypatch.context() as patch:
        patch.setattr(sync_run, "make_plan", never)
        assert counts(photos) == counts(photos, dry_run=True) == {"unchanged": 16}
        for happens in (add, touch, remove):
            happens(photos)
            with pytest.raises(AssertionError, match="compared"):
                sync_engine(engine_of(photos))
    sync_engine(engine_of(photos))
    monkeypatch.setattr(sync_run, "make_plan", never)
    assert counts(photos) == {"unchanged": 11}
    restore_gallery(engine_of(photos), 1)  # the gallery is another: the folder is compared again
    with pytest.raises(AssertionError, match="compared"):
        sync_engine(engine_of(photos))


def add(photos: Path) -> None:
    (photos / "stripes").mkdir()
    for number in range(3):
        draw_picture("stripes", number).save(photos / "stripes" / f"{number}.png")


def change(photos: Path) -> None:
    draw_picture("stripes", 9).save(photos / "disc" / "3.png")


def move(photos: Path) -> None:
    (photos / "square").rename(photos / "renamed")
    (photos / "disc" / "1.png").rename(photos / "1.png")


def copy(photos: Path) -> None:
    shutil.copy(photos / "disc" / "1.png", photos / "copy.png")


def touch(photos: Path) -> None:
    os.utime(photos / "disc" / "1.png", (1, 1))


def remove(photos: Path) -> None:
    shutil.rmtree(photos / "square")


def swap(photos: Path) -> None:
    one, other, between = (photos / "disc" / f"{name}.png" for name in (1, 2, "x"))
    one.rename(between)
    other.rename(one)
    between.rename(other)


def replace_by_another(photos: Path) -> None:
    (photos / "disc" / "1.png").replace(photos / "disc" / "2.png")


def everything(photos: Path) -> None:
    for one in (add, change, copy, swap, remove):
        one(photos)
    (photos / "disc" / "7.png").rename(photos / "7.png")


CHANGES: dict[Callable[[Path], None], dict[str, int]] = {
    add: {"added": 3, "unchanged": 16, "embedded": 3},
    change: {"changed": 1, "unchanged": 15, "embedded": 1},
    move: {"moved": 9, "unchanged": 7},
    copy: {"copied": 1, "unchanged": 16},
    touch: {"touched": 1, "unchanged": 15},
    remove: {"removed": 8, "unchanged": 8},
    swap: {"moved": 2, "unchanged": 14},
    replace_by_another: {"moved": 1, "removed": 1, "unchanged": 14},
    everything: {"added": 3, "changed": 1, "copied": 1, "moved": 3, "removed": 8, "unchanged": 4,
                 "embedded": 4},
}  # fmt: skip


@pytest.mark.parametrize("happens", CHANGES, ids=lambda one: one.__name__)
def test_only_what_changed_costs(
    happens: Callable[[Path], None], photos: Path, embedded: list[int]
):
    wanted = CHANGES[happens]
    happens(photos)
    before = state(photos)
    planned = counts(photos, dry_run=True)
    assert state(photos) == before
    assert planned == {name: count for name, count in wanted.items() if name != "embedded"}
    assert counts(photos) == wanted
    assert sum(embedded) == wanted.get("embedded", 0)
    assert counts(photos) == {"unchanged": len(state(photos))}
    check_cache(photos)


@pytest.mark.parametrize("happens", CHANGES, ids=lambda one: one.__name__)
def test_the_gallery_is_as_if_it_had_been_made_anew(happens: Callable[[Path], None], photos: Path):
    happens(photos)
    sync_engine(engine_of(photos))
    synced, engine = state(photos), lookalike.open(engine_of(photos))
    files = {path.relative_to(photos).as_posix(): path for path in photos.rglob("*.png")}
    assert set(synced) == set(files)
    assert len(engine) == engine.manifest.counts.gallery == len(files)
    fresh = engine.embed([path.read_bytes() for path in files.values()])
    gallery = engine.gallery
    places = [gallery.position(name) for name in files]
    np.testing.assert_allclose(gallery.embeddings[places], fresh, atol=1e-5)
    assert [gallery.labels[place] for place in places] == [
        name.rpartition("/")[0] or None for name in files
    ]


def test_what_is_broken_is_known_in_every_block(photos: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lookalike.images.decoding._MOST_PICTURES", 2)
    monkeypatch.setattr("lookalike.engine.ahead.MOST_BEGUN", 1)
    (photos / "more").mkdir()
    broken = {2, 3, 7}  # two of them are a block
    for number in range(9):
        draw_picture("disc", 50 + number).save(photos / "more" / f"{number}.png")
        if number in broken:
            (photos / "more" / f"{number}.png").write_bytes(b"no picture")
    found = counts(photos)
    assert (found["added"], found["skipped"]) == (6, 3)
    engine = lookalike.open(engine_of(photos))
    assert {one.path for one in engine.skipped()} == {f"more/{number}.png" for number in broken}
    names = [f"more/{number}.png" for number in range(9) if number not in broken]
    places = [engine.gallery.position(name) for name in names]
    fresh = engine.embed([(photos / name).read_bytes() for name in names])
    np.testing.assert_allclose(engine.gallery.embeddings[places], fresh, atol=1e-5)
    check_cache(photos)


def test_a_sync_that_fails_leaves_nothing_to_be_computed(
    photos: Path, monkeypatch: pytest.MonkeyPatch
):
    draw_picture("disc", 50).save(photos / "new.png")
    begun = Future[np.ndarray]()
    monkeypatch.setattr(Encoder, "begin_embeddings", lambda *_: [begun])

    def fail(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(sync_job, "_facts", fail)
    with pytest.raises(MemoryError, match="no room"):
        sync_engine(engine_of(photos))
    assert begun.cancelled()


def test_a_picture_that_breaks_is_left_out_and_tried_again_when_it_changes(
    photos: Path, embedded: list[int]
):
    good = (photos / "disc" / "1.png").read_bytes()
    (photos / "disc" / "1.png").write_bytes(good[:100])
    (photos / "new.png").write_bytes(b"")
    assert counts(photos) == {"removed": 1, "skipped": 2, "unchanged": 15}
    engine = lookalike.open(engine_of(photos))
    assert engine.gallery.position("disc/1.png") is None
    assert {one.path for one in engine.skipped()} == {"disc/1.png", "new.png"}
    assert all(one.reason for one in engine.skipped())
    assert counts(photos) == {"skipped": 2, "unchanged": 15}
    (photos / "disc" / "1.png").write_bytes(good)
    assert counts(photos) == {"added": 1, "skipped": 1, "unchanged": 15, "embedded": 1}
    assert sum(embedded) == 1
    check_cache(photos)


def test_a_folder_that_is_gone_or_empty_is_no_deletion(photos: Path):
    before = state(photos)
    away = photos.with_name("away")
    photos.rename(away)
    with pytest.raises(EngineError, match=r"photos is not there: the 16 pictures of .* are kept"):
        sync_engine(engine_of(photos))
    photos.mkdir()  # a mount point without its disk
    with pytest.raises(EngineError, match=r"nothing is changed, the 16 pictures of .* are kept"):
        sync_engine(engine_of(photos))
    assert state(photos) == before
    photos.rmdir()
    assert sync_engine(engine_of(photos), away).plan.counts()["unchanged"] == 16
    assert lookalike.open(engine_of(photos)).root == away.resolve()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_kept(photos: Path):
    before = state(photos)
    (photos / "square").chmod(0)
    try:
        assert counts(photos) == {"kept": 8, "skipped": 1, "unchanged": 8}
        assert state(photos) == before
    finally:
        (photos / "square").chmod(0o755)


def test_pictures_of_a_folder_that_cannot_be_listed_are_kept(
    photos: Path, monkeypatch: pytest.MonkeyPatch
):
    opened = os.open

    def refuse(path: Path, *rest: int) -> int:
        if Path(path).name == "square":
            raise PermissionError(13, "Permission denied")
        return opened(path, *rest)

    monkeypatch.setattr(os, "open", refuse)
    assert counts(photos) == {"kept": 8, "skipped": 1, "unchanged": 8}
    assert len(state(photos)) == 16


def test_another_folder_is_refused_while_the_own_is_there(photos: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    draw_picture("disc", 1).save(other / "1.png")
    with pytest.raises(EngineError, match=r"follows .*photos, which is still there"):
        sync_engine(engine_of(photos), other)


def test_a_second_writer_is_told_who_the_first_is(photos: Path):
    with lock.writing(Layout(engine_of(photos)), "the first"):
        with pytest.raises(EngineError, match=rf"`the first`, process {os.getpid()} on "):
            sync_engine(engine_of(photos))
        assert len(lookalike.open(engine_of(photos)).search("disc/1.png", k=3)) == 3
    assert counts(photos) == {"unchanged": 16}


def test_a_sync_that_was_cut_short_is_gone_on_with(photos: Path, monkeypatch: pytest.MonkeyPatch):
    everything(photos)
    monkeypatch.setattr(sync_job, "BATCH", 1)
    steps = ("remove", "move", "put", "put", "put")
    for stop in range(len(steps)):
        calls = iter(range(100))

        def failing(name: str, whole: Callable[..., None], at: int = stop, calls=calls):
            def step(*rest: object) -> None:
                if next(calls) == at:
                    raise KeyboardInterrupt
                whole(*rest)

            return step

        with monkeypatch.context() as patch:
            writer = lookalike.gallery.GalleryWriter
            for name in ("remove", "move", "put"):
                patch.setattr(writer, name, failing(name, getattr(writer, name)))
            with pytest.raises(KeyboardInterrupt):
                sync_engine(engine_of(photos))
        state(photos)  # no path twice
        assert len(Engine(engine_of(photos)).search("disc/0.png", k=2)) == 2
    sync_engine(engine_of(photos))
    files = {path.relative_to(photos).as_posix() for path in photos.rglob("*.png")}
    assert set(state(photos)) == files
    check_cache(photos)


def test_going_back_to_as_many_pictures_is_noticed(photos: Path):
    (photos / "disc" / "1.png").rename(photos / "disc" / "new.png")
    sync_engine(engine_of(photos))
    restore_gallery(engine_of(photos), 1)
    assert counts(photos) == {"moved": 1, "unchanged": 15}
    shutil.rmtree(engine_of(photos) / "gallery")
    with pytest.raises(EngineError, match="no gallery"):
        sync_engine(engine_of(photos))


def test_what_cannot_be_read_for_once_is_neither_lost_nor_forgotten(
    photos: Path, monkeypatch: pytest.MonkeyPatch
):
    """The digest and the decoder fail to open a changed and a new file, then no more."""
    change(photos)
    draw_picture("disc", 77).save(photos / "new.png")

    def refuse(*_: object) -> str:
        raise PermissionError(13, "Permission denied")

    def decode_none(_: Intake, files: list[Path], *__: object) -> list[Answer]:
        return [Answer(UNREAD, reason="permission denied") for _ in files]

    with monkeypatch.context() as patch:
        patch.setattr(comparing, "file_digest", refuse)
        patch.setattr(Intake, "decode", decode_none)
        for _ in range(2):
            assert counts(photos) == {"kept": 1, "skipped": 2, "unchanged": 15}
        patch.setattr(comparing, "_digests", lambda *_: ({3: "a", 8: "b"}, {}))
        assert counts(photos) == {"kept": 1, "skipped": 2, "unchanged": 15}  # the decoder's turn
        assert "disc/3.png" in state(photos)
    assert counts(photos) == {"added": 1, "changed": 1, "unchanged": 15, "embedded": 2}


def test_a_file_that_changes_after_it_was_read_is_read_again(
    photos: Path, monkeypatch: pytest.MonkeyPatch
):
    touch(photos)
    moved_rows = sync_job.SyncJob._moved_rows

    def and_then_it_changes(self: sync_job.SyncJob, *rest: object) -> object:
        draw_picture("stripes", 5).save(photos / "disc" / "1.png")
        return moved_rows(self, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(sync_job.SyncJob, "_moved_rows", and_then_it_changes)
        sync_engine(engine_of(photos))
    assert counts(photos)["changed"] == 1


def test_a_link_to_a_folder_on_another_disk_that_is_away_is_no_deletion(photos: Path):
    disk = photos.with_name("disk")
    (photos / "square").rename(disk)
    (photos / "square").symlink_to(disk)
    sync_engine(engine_of(photos))
    disk.rename(photos.with_name("unmounted"))
    for _ in range(2):
        assert counts(photos) == {"kept": 8, "skipped": 1, "unchanged": 8}
    photos.with_name("unmounted").rename(disk)
    assert counts(photos) == {"unchanged": 16}


def test_a_folder_with_nothing_of_the_gallery_is_refused(photos: Path, tmp_path: Path):
    before = state(photos)
    photos.rename(photos.with_name("away"))
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    draw_picture("stripes", 1).save(wrong / "1.png")
    with pytest.raises(EngineError, match="none of the 16 pictures"):
        sync_engine(engine_of(photos), wrong)
    assert state(photos) == before


def test_folders_that_become_splits_are_noticed(photos: Path):
    (photos / "train").mkdir()
    (photos / "disc").rename(photos / "train" / "disc")
    (photos / "square").rename(photos / "train" / "square")
    sync_engine(engine_of(photos))
    (photos / "val").mkdir()
    assert counts(photos) == {"touched": 16}
    assert set(lookalike.open(engine_of(photos)).gallery.labels) == {"disc", "square"}


def test_an_evaluation_leaves_the_decoded_pictures_alone(photos: Path):
    add(photos)
    sync_engine(engine_of(photos))
    lookalike.open(engine_of(photos), device="cpu").evaluate()
    check_cache(photos)


def test_a_reader_that_opens_while_a_sync_runs_is_told_of_old_pictures(
    photos: Path, monkeypatch: pytest.MonkeyPatch
):
    swap(photos)
    with monkeypatch.context() as patch:
        patch.setattr(sync_job.SyncJob, "finish", stop)
        with pytest.raises(KeyboardInterrupt):
            sync_engine(engine_of(photos))
    with pytest.raises(EngineError, match=r"before its last change: run `lookalike sync"):
        lookalike.open(engine_of(photos)).oddities(3)


def test_another_gallery_is_taken_up_too(photos: Path, tmp_path: Path):
    engine = lookalike.open(engine_of(photos), device="cpu")
    assert len(engine.gallery) == 16
    draw_picture("disc", 3).save(tmp_path / "one.png")
    index_engine(engine_of(photos), photos / "disc", device="cpu")
    assert engine.refresh()
    assert len(engine.gallery) == 8


def test_a_sync_cut_short_is_no_state_that_the_folder_can_go_back_to(
    photos: Path, monkeypatch: pytest.MonkeyPatch
):
    """The folder is what it was before; the gallery is not."""
    before = state(photos)
    shutil.copytree(photos, photos.with_name("kept"))
    remove(photos)
    with monkeypatch.context() as patch:
        patch.setattr(lookalike.gallery.GalleryWriter, "compact", stop)
        with pytest.raises(KeyboardInterrupt):
            sync_engine(engine_of(photos))
    assert len(state(photos)) == 8
    shutil.rmtree(photos)
    photos.with_name("kept").rename(photos)
    assert counts(photos)["added"] == 8
    assert state(photos).keys() == before.keys()


def stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_the_cache_follows_even_if_the_last_sync_stopped_before_it(
    photos: Path, monkeypatch: pytest.MonkeyPatch
):
    everything(photos)
    with monkeypatch.context() as patch:
        patch.setattr(sync_job.SyncJob, "finish", stop)
        with pytest.raises(KeyboardInterrupt):
            sync_engine(engine_of(photos))
    assert counts(photos) == {"unchanged": len(state(photos))}
    check_cache(photos)


def test_a_dangling_link_is_no_deletion(photos: Path):
    disk = photos.with_name("disk")
    disk.mkdir()
    (photos / "disc" / "1.png").rename(disk / "1.png")
    (photos / "disc" / "1.png").symlink_to(disk / "1.png")
    sync_engine(engine_of(photos))
    disk.rename(photos.with_name("unmounted"))
    assert counts(photos) == {"kept": 1, "skipped": 1, "unchanged": 15}
    photos.with_name("unmounted").rename(disk)
    assert counts(photos) == {"unchanged": 16}


def test_a_list_says_what_there_is(photos: Path):
    listed = photos / "list.csv"
    names = sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*.png"))
    listed.write_text("path,label\n" + "".join(f"{name},x\n" for name in names))
    place = photos.parent / "list.lookalike"
    lookalike.build(listed, place, epochs=1, size=16, report=False, device="cpu")
    listed.write_text("path,label\n" + "".join(f"{name},y\n" for name in names[2:]))
    assert counts_of(place) == {"touched": 14, "removed": 2}
    (photos / names[2]).unlink()
    shutil.rmtree(photos / "square")
    assert counts_of(place) == {"removed": 1, "kept": 8, "skipped": 9, "unchanged": 5}
    assert set(lookalike.open(place).gallery.labels) == {"y"}


def test_an_open_engine_takes_up_what_a_sync_changed(photos: Path):
    engine = lookalike.open(engine_of(photos), device="cpu")
    assert engine.refresh() is False
    assert len(engine.search("disc/1.png", k=99)) == 15
    add(photos)
    sync_engine(engine_of(photos))
    assert len(engine.search("disc/1.png", k=99)) == 15
    assert engine.refresh() is True
    assert len(engine.search("disc/1.png", k=99)) == 18
    assert json.loads((engine_of(photos) / "manifest.json").read_text())["counts"]["gallery"] == 19


def test_an_engine_syncs_itself(photos: Path):
    engine = lookalike.open(engine_of(photos), device="cpu")
    assert len(engine.gallery) == 16
    add(photos)
    assert engine.sync(dry_run=True).dry_run
    assert engine.sync().plan.counts()["added"] == 3
    assert len(engine.gallery) == 19


def test_an_earlier_state_comes_back_until_the_next_sync(photos: Path):
    before = state(photos)
    everything(photos)
    sync_engine(engine_of(photos))
    after = state(photos)
    states = gallery_history(engine_of(photos))
    assert [states[0].pictures, states[-1].pictures] == [16, len(after)]
    assert restore_gallery(engine_of(photos), states[0].version) == 16
    assert state(photos) == before
    engine = lookalike.open(engine_of(photos))
    assert len(engine) == 16
    assert len(engine.oddities(16).oddities) == 16  # the decoded pictures came back too
    sync_engine(engine_of(photos))
    assert state(photos).keys() == after.keys()
    check_cache(photos)


def test_a_calibration_stays_until_the_gallery_is_another(photos: Path):
    ends, ones = np.array([0.0, 1.0]), np.ones(1)
    judge = Judge(ones, ones, np.ones(2), ends)
    made = Calibration(ends, Curve(ends, ends), Curve(ends, ends), Familiarity(judge, judge, 0.5))
    engine = lookalike.open(engine_of(photos), device="cpu")
    keep_calibration(engine, made)
    assert engine.calibration is not None
    remove(photos)
    draw_picture("stripes", 1).save(photos / "one more.png")
    engine.sync()  # 9 of 16
    assert engine.calibration is not None
    (photos / "one more.png").unlink()
    engine.sync()  # half of them
    assert engine.calibration is None


def test_no_id_is_given_twice(photos: Path):
    draw_picture("disc", 60).save(photos / "new.png")
    sync_engine(engine_of(photos))
    newest = int(open_gallery(engine_of(photos) / "gallery").ids.max())
    (photos / "new.png").unlink()
    sync_engine(engine_of(photos))
    draw_picture("disc", 61).save(photos / "newer.png")
    sync_engine(engine_of(photos))
    assert int(open_gallery(engine_of(photos) / "gallery").ids.max()) == newest + 1


def test_decoded_pictures_that_are_gone_make_room(photos: Path, monkeypatch: pytest.MonkeyPatch):
    held = lookalike.open(engine_of(photos)).cache
    assert held is not None
    before = np.array(held.pixels)
    for number in range(1, 7):
        (photos / "disc" / f"{number}.png").unlink()
        (photos / "square" / f"{number}.png").unlink()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cache_update, "replace_directory", stop)
        with pytest.raises(KeyboardInterrupt):
            sync_engine(engine_of(photos))
    assert set(state(photos)) == {f"{kind}/{number}.png" for kind in ("disc", "square")
                                  for number in (0, 7)}  # fmt: skip
    check_cache(photos)  # it was written, and is large still
    draw_picture("disc", 60).save(photos / "new.png")
    sync_engine(engine_of(photos))
    check_cache(photos)
    cache = lookalike.open(engine_of(photos)).cache
    assert cache is not None
    assert len(cache) == 5
    np.testing.assert_array_equal(held.pixels, before)  # a reader keeps what it opened


def test_looking_at_the_history_changes_nothing(photos: Path):
    gallery = engine_of(photos) / "gallery"
    newer = gallery / "_versions" / f"{2**64 - 1 - 99}.manifest"
    newer.write_bytes(b"half written, or by a sync that runs")
    assert [one.pictures for one in gallery_history(engine_of(photos))] == [16]
    assert newer.exists()


def test_ids_are_reserved_before_they_are_given(photos: Path, monkeypatch: pytest.MonkeyPatch):
    newest = int(open_gallery(engine_of(photos) / "gallery").ids.max())
    draw_picture("disc", 60).save(photos / "new.png")

    def stop(self: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sync_job.SyncJob, "finish", stop)
        with pytest.raises(KeyboardInterrupt):
            sync_engine(engine_of(photos))
    (photos / "new.png").unlink()
    draw_picture("disc", 61).save(photos / "newer.png")
    sync_engine(engine_of(photos))
    ids = open_gallery(engine_of(photos) / "gallery").ids
    assert int(ids.max()) > newest + 1


def test_a_link_to_a_folder_that_may_not_be_looked_at_is_no_deletion():
    class Entry:
        def stat(self) -> None:
            raise PermissionError(13, "Permission denied")

    assert walking._problem_of_link(Entry()) == "permission denied"  # type: ignore[arg-type]
