"""Several folders in one engine, whose disks may be away."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from drawing import draw_picture

import lookalike
from lookalike.engine import (
    Engine,
    folders,
    index_engine,
    mounts,
    open_source,
    retrain_engine,
    sync_engine,
    sync_run,
)
from lookalike.engine.command import build_command
from lookalike.engine.looking import picture_thumbnail
from lookalike.errors import CollectionError, EngineError
from lookalike.images import collection_state
from lookalike.images.places import Places


@pytest.fixture
def engine(living: Path) -> Path:
    """An engine of `photos`, beside it a folder `archive` of six others."""
    (living.parent / "archive" / "old").mkdir(parents=True)
    for number in range(6):
        place = living.parent / "archive" / "old" / f"{number}.png"
        draw_picture("stripes", number).save(place)
    return living.parent / "e.lookalike"


@pytest.fixture
def joined(engine: Path) -> Path:
    sync_engine(engine, add=[engine.parent / "archive"])
    return engine


def counts(engine: Path, **settings: object) -> dict[str, int]:
    """Sync; return the counts that are not 0."""
    report = sync_engine(engine, **settings).as_dict()  # type: ignore[arg-type]
    names = ("added", "moved", "copied", "removed", "kept", "unchanged", "embedded")
    return {name: report[name] for name in names if report[name]}


def test_a_further_folder_is_searched_too(engine: Path):
    assert counts(engine, add=[engine.parent / "archive"]) == {
        "added": 6, "unchanged": 16, "embedded": 6,
    }  # fmt: skip
    opened = lookalike.open(engine)
    assert opened.manifest.folders == {"@archive": str(engine.parent / "archive")}
    file = engine.parent / "archive" / "old" / "2.png"
    for query in (file, "@archive/old/2.png"):
        hits = opened.search(query, k=30)
        assert hits.query == "@archive/old/2.png"
        assert len(hits) == 21  # itself not
        assert "@archive/old/3.png" in [hit.path for hit in hits]
    (label,) = opened.gallery.positions("path = '@archive/old/2.png'")
    assert opened.gallery.labels[label] == "old"
    assert picture_thumbnail(opened, "@archive/old/2.png").std() > 0
    assert counts(engine) == {"unchanged": 22}


def test_two_folders_as_they_were_are_not_compared(joined: Path, monkeypatch: pytest.MonkeyPatch):
    def never(*_: object, **__: object) -> None:
        raise AssertionError("compared")

    monkeypatch.setattr(sync_run, "make_plan", never)
    assert counts(joined) == {"unchanged": 22}
    draw_picture("disc", 9).save(joined.parent / "archive" / "new.png")
    with pytest.raises(AssertionError, match="compared"):
        sync_engine(joined)


def test_a_picture_that_moves_between_folders_is_not_embedded(joined: Path, embedded: list[int]):
    old = joined.parent / "archive" / "old"
    (old / "1.png").rename(joined.parent / "photos" / "1.png")
    assert counts(joined) == {"moved": 1, "unchanged": 21}
    assert not embedded


def test_a_folder_that_is_away_is_kept_and_named(joined: Path):
    archive, away = joined.parent / "archive", joined.parent / "away"
    archive.rename(away)
    draw_picture("disc", 20).save(joined.parent / "photos" / "new.png")
    report = sync_engine(joined)
    assert report.as_dict()["kept"] == 6
    assert report.as_dict()["away"] == {"@archive": mounts.AWAY}
    assert len(lookalike.open(joined)) == 23  # the new one was taken up
    assert {one.path for one in lookalike.open(joined).skipped()} == {"@archive"}
    archive.mkdir()  # a mount point without its disk
    assert counts(joined) == {"kept": 6, "unchanged": 17}
    draw_picture("disc", 30).save(archive / "foreign.png")  # another disk
    report = sync_engine(joined)
    assert report.as_dict()["away"] == {"@archive": "none of its 6 pictures is there now"}
    assert len(lookalike.open(joined)) == 23
    shutil.rmtree(archive)
    assert counts(joined, add=[f"@archive={away}"]) == {"unchanged": 23}
    assert not lookalike.open(joined).skipped()


def test_the_first_folder_may_be_away_too(joined: Path):
    photos = joined.parent / "photos"
    photos.rename(joined.parent / "elsewhere")
    draw_picture("stripes", 9).save(joined.parent / "archive" / "new.png")
    report = sync_engine(joined)
    assert report.as_dict()["away"] == {".": mounts.AWAY}
    assert (report.plan.counts()["kept"], len(report.plan.added)) == (16, 1)
    photos.mkdir()
    assert counts(joined) == {"kept": 16, "unchanged": 7}
    photos.rmdir()
    assert counts(joined, source=joined.parent / "elsewhere") == {"unchanged": 23}


def test_a_folder_is_given_up(joined: Path):
    assert counts(joined, drop=["@archive"]) == {"removed": 6, "unchanged": 16}
    assert lookalike.open(joined).manifest.folders == {}
    with pytest.raises(EngineError, match="no further folder @archive"):
        sync_engine(joined, drop=["@archive"])


@pytest.mark.parametrize(
    ("add", "match"),
    [
        ("nowhere", "no folder .*nowhere to add"),
        ("photos", "overlap: the same pictures would be in the gallery twice"),
        ("photos/disc", "overlap"),
        (".", "overlap"),
    ],
)
def test_folders_that_make_no_sense(engine: Path, add: str, match: str):
    with pytest.raises(EngineError, match=match):
        sync_engine(engine, add=[engine.parent / add])
    assert lookalike.open(engine).manifest.folders == {}


@pytest.mark.parametrize("name", ["@", "@a/b", "archive", "@a\nb"])
def test_names_that_make_no_sense(name: str, tmp_path: Path):
    with pytest.raises(CollectionError, match="cannot name a folder"):
        Places(tmp_path, {name: tmp_path})


def test_names_are_free(engine: Path):
    (engine.parent / "photos" / "@archive").mkdir()
    draw_picture("disc", 40).save(engine.parent / "photos" / "@archive" / "0.png")
    sync_engine(engine, add=[engine.parent / "archive"])
    opened = lookalike.open(engine)
    assert list(opened.manifest.folders) == ["@archive-2"]
    assert opened.places.file("@archive/0.png").is_file()
    assert opened.gallery.position("@archive/0.png") is not None
    assert opened.places.file("@archive-2/old/0.png").is_file()


def test_all_folders_are_indexed_and_built(joined: Path, tmp_path: Path):
    before = lookalike.open(joined).gallery.paths
    assert sorted(index_engine(joined).gallery.paths) == sorted(before)
    manifest = lookalike.open(joined).manifest
    command = build_command(manifest, joined)
    assert f"--add @archive={joined.parent / 'archive'}" in command
    assert counts(joined) == {"unchanged": 22}
    again = lookalike.build(
        joined.parent / "photos", tmp_path / "again.lookalike", add=[joined.parent / "archive"],
        epochs=1, batch_size=8, size=16, report=False, device="cpu",
    )  # fmt: skip
    assert sorted(again.gallery.paths) == sorted(before)
    assert again.manifest.counts.train + again.manifest.counts.validation == 22
    (joined.parent / "archive").rename(joined.parent / "away")
    with pytest.raises(EngineError, match=r"@archive, the folder .* \(--drop @archive\)"):
        index_engine(joined)


def test_only_folders_of_files_are_joined(tmp_path: Path, engine: Path):
    listed = tmp_path / "some.csv"
    listed.write_text("path\nphotos/disc/1.png\nphotos/disc/2.png\n")
    with pytest.raises(EngineError, match="is no folder of picture files"):
        folders.join_folders(open_source(listed), {"@archive": engine.parent / "archive"})


def test_the_state_of_a_collection_is_that_of_its_folders(joined: Path):
    manifest = lookalike.open(joined).manifest
    collection = folders.reopen_folders(manifest, joined)
    from lookalike.engine.synced import source_state

    state = source_state(manifest.source, manifest.folders)
    assert state is not None
    assert collection_state(collection) == state
    (joined.parent / "archive" / "old" / "5.png").touch()
    assert source_state(manifest.source, manifest.folders) != state


@pytest.mark.parametrize("vanishes", [False, True])
def test_a_disk_below_the_folder_may_be_away(
    living: Path, monkeypatch: pytest.MonkeyPatch, *, vanishes: bool
):
    engine, disk = living.parent / "e.lookalike", living / "square"
    mounted = True

    def device(folder: Path) -> int:
        return 2 if mounted and folder == disk else 1

    monkeypatch.setattr(mounts, "_device", device)
    draw_picture("disc", 20).save(living / "new.png")
    sync_engine(engine)
    assert lookalike.open(engine).manifest.mounts == ["square"]
    mounted = False
    disk.rename(living.parent / "away")
    if not vanishes:
        disk.mkdir()
    report = sync_engine(engine)
    assert report.as_dict()["kept"] == 8
    assert report.as_dict()["away"] == {"square": mounts.NOT_MOUNTED}
    assert counts(engine) == {"kept": 8, "unchanged": 9}
    assert Engine(engine).manifest.mounts == ["square"]
    assert counts(engine, drop=["square"]) == {"removed": 8, "unchanged": 9}
    assert Engine(engine).manifest.mounts == []


def test_a_stray_file_is_no_disk(living: Path, monkeypatch: pytest.MonkeyPatch):
    engine, disk, mounted = living.parent / "e.lookalike", living / "square", True
    monkeypatch.setattr(mounts, "_device", lambda folder: 2 if mounted and folder == disk else 1)
    draw_picture("disc", 20).save(living / "new.png")
    sync_engine(engine)
    mounted = False
    disk.rename(living.parent / "away")
    disk.mkdir()
    draw_picture("disc", 21).save(disk / "stray.png")
    for _ in range(2):
        assert counts(engine) == {"kept": 8, "unchanged": 9}
    assert Engine(engine).manifest.mounts == ["square"]
    for change in (retrain_engine, index_engine):
        with pytest.raises(EngineError, match="nothing is changed: square, another disk was"):
            change(engine)


def test_another_disk_is_not_believed_because_of_one_picture(joined: Path):
    archive = joined.parent / "archive"
    shutil.copy(archive / "old" / "1.png", joined.parent / "photos" / "copy.png")
    archive.rename(joined.parent / "away")
    archive.mkdir()
    draw_picture("disc", 30).save(archive / "foreign.png")
    assert counts(joined) == {"copied": 1, "kept": 6, "unchanged": 16}
    assert len(lookalike.open(joined)) == 23


def test_a_wrong_new_place_changes_nothing(joined: Path):
    photos, wrong = joined.parent / "photos", joined.parent / "wrong"
    photos.rename(joined.parent / "moved")
    wrong.mkdir()
    draw_picture("disc", 30).save(wrong / "foreign.png")
    before = lookalike.open(joined).manifest
    with pytest.raises(EngineError, match=r"nothing is changed.*no_such_typo"):
        sync_engine(joined, joined.parent / "no_such_typo")
    with pytest.raises(EngineError, match="nothing is changed: none of the 16 pictures"):
        sync_engine(joined, wrong)
    assert lookalike.open(joined).manifest == before
    assert counts(joined, source=joined.parent / "moved") == {"unchanged": 22}


def test_a_place_around_a_further_folder_is_refused(joined: Path):
    (joined.parent / "photos").rename(joined.parent / "moved")
    with pytest.raises(EngineError, match="overlap: the same pictures"):
        sync_engine(joined, joined.parent)


def test_all_folders_may_be_wrong_at_once(joined: Path):
    for name in ("photos", "archive"):
        (joined.parent / name).rename(joined.parent / f"{name} away")
        (joined.parent / name).mkdir()
    draw_picture("disc", 30).save(joined.parent / "archive" / "foreign.png")
    with pytest.raises(EngineError, match=r"nothing is changed: none of the 22 pictures of .* is"):
        sync_engine(joined)


def test_a_folder_that_may_not_be_looked_at_is_away(joined: Path, monkeypatch: pytest.MonkeyPatch):
    archive, ask = joined.parent / "archive", os.stat

    def refuse(place: Path, **named: object) -> os.stat_result:
        if Path(place) == archive:
            raise PermissionError(13, "Permission denied")
        return ask(place, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", refuse)
    assert sync_engine(joined).as_dict()["away"] == {"@archive": "permission denied"}
    assert len(lookalike.open(joined)) == 22
    assert lookalike.open(joined).away() == {"@archive": "permission denied"}


def test_a_name_that_the_first_folder_uses_is_refused(engine: Path):
    (engine.parent / "photos" / "@pics").mkdir()
    with pytest.raises(EngineError, match="has a folder @pics itself: give another name"):
        sync_engine(engine, add=[f"@pics={engine.parent / 'archive'}"])


def test_a_folder_is_given_up_while_the_first_is_away(joined: Path):
    (joined.parent / "archive" / "more").mkdir()
    draw_picture("stripes", 20).save(joined.parent / "archive" / "more" / "1.png")
    (joined.parent / "third").mkdir()
    draw_picture("stripes", 30).save(joined.parent / "third" / "1.png")
    sync_engine(joined, add=[joined.parent / "third"])
    (joined.parent / "photos").rename(joined.parent / "photos away")
    assert counts(joined, drop=["@archive/"]) == {"removed": 7, "kept": 16, "unchanged": 1}
    assert "@archive/old/1.png" not in lookalike.open(joined).gallery.paths


def test_retraining_and_indexing_lose_no_folder_that_is_away(joined: Path):
    (joined.parent / "archive").rename(joined.parent / "away")
    (joined.parent / "archive").mkdir()
    for change in (retrain_engine, index_engine):
        with pytest.raises(EngineError, match="nothing is changed: @archive"):
            change(joined)
    draw_picture("disc", 30).save(joined.parent / "archive" / "foreign.png")
    with pytest.raises(EngineError, match="none of the known pictures of @archive is there"):
        retrain_engine(joined)
    (joined.parent / "photos").rename(joined.parent / "photos away")
    with pytest.raises(EngineError, match=r"no longer at .*: name the folder with `lookalike sync"):
        retrain_engine(joined)
    assert len(lookalike.open(joined)) == 22
