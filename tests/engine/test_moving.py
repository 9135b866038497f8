"""Moving duplicates away and back: never over a file, never the last copy."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from drawing import draw_picture

import lookalike
from lookalike import storage
from lookalike.engine import Engine, file_moves, moving, sync_engine
from lookalike.engine.undo import undo_moves
from lookalike.errors import EngineError, StorageError

KEPT = {"a.png", "b.png", "c.png"}
COPIES = ("x/a.png", "x/deep/a.png", "y/b.png")


class Killed(BaseException):
    """Stands for `kill -9`: nothing catches it."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("built")
    photos = root / "photos"
    for folder in ("x/deep", "y"):
        (photos / folder).mkdir(parents=True)
    for number, name in enumerate(sorted(KEPT)):
        draw_picture("disc", number).save(photos / name)
        os.utime(photos / name, (1_500_000_000, 1_500_000_000))
    for copy in COPIES:
        shutil.copyfile(photos / Path(copy).name, photos / copy)
    lookalike.build(
        photos, root / "e.lookalike", epochs=1, batch_size=4, size=16, report=False, device="cpu"
    )
    return root


@pytest.fixture
def engine(built: Path, tmp_path: Path) -> Engine:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    manifest = tmp_path / "e.lookalike" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(str(built), str(tmp_path)))
    return lookalike.open(tmp_path / "e.lookalike", device="cpu")


@pytest.fixture
def away(tmp_path: Path) -> Path:
    return tmp_path / "away"


def content(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder, without the undo file."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.name != "undo.jsonl"
    }


def move(engine: Engine, away: Path, **settings: bool) -> moving.Moved:
    return engine.move_duplicates(engine.duplicates(["exact"]), away, **settings)


def test_there_and_back(engine: Engine, away: Path):
    before = content(engine.root)
    times = {path: (engine.root / path).stat().st_mtime_ns for path in before}
    moved = move(engine, away)
    assert (moved.files, moved.left) == (3, ())
    assert moved.size == sum(len(before[path]) for path in COPIES)
    assert content(away) == {path: before[path] for path in COPIES}
    assert set(content(engine.root)) == KEPT
    assert moved.undo == away / "undo.jsonl"
    assert sync_engine(engine.layout.directory, device="cpu").as_dict()["removed"] == 3
    back = undo_moves(moved.undo)
    assert (back.files, back.size, back.left) == (3, moved.size, ())
    assert content(engine.root) == before
    assert {path: (engine.root / path).stat().st_mtime_ns for path in before} == times
    assert list(away.iterdir()) == [moved.undo]
    again = undo_moves(moved.undo)
    assert (again.files, again.left) == (0, ())
    assert content(engine.root) == before
    # The same directory serves a second time.
    sync_engine(engine.layout.directory, device="cpu")
    assert move(lookalike.open(engine.layout.directory, device="cpu"), away).files == 3
    assert undo_moves(moved.undo).files == 3
    assert content(engine.root) == before


def test_a_dry_run_changes_nothing(engine: Engine, away: Path):
    before = content(engine.root)
    moved = move(engine, away, dry_run=True)
    assert (moved.files, moved.dry_run, moved.undo) == (3, True, None)
    assert not away.exists()
    assert content(engine.root) == before


def test_another_disk(engine: Engine, away: Path, monkeypatch: pytest.MonkeyPatch):
    before = content(engine.root)
    link = os.link

    def across(source: Path, place: Path, **named: bool) -> None:
        if Path(source).parent != Path(place).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        link(source, place, **named)

    monkeypatch.setattr(os, "link", across)
    os.utime(engine.root / "x/a.png", (1_600_000_000, 1_600_000_000))
    moved = move(engine, away)
    assert moved.files == 3
    assert content(away) == {path: before[path] for path in COPIES}
    assert (away / "x/a.png").stat().st_mtime == 1_600_000_000
    assert undo_moves(moved.undo).files == 3
    assert content(engine.root) == before


def test_a_copy_that_arrives_damaged_is_not_trusted(
    engine: Engine, away: Path, monkeypatch: pytest.MonkeyPatch
):
    def no_link(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    def damaging(reader: object, writer: object, *_: object) -> None:
        writer.write(b"half of it")  # type: ignore[attr-defined]

    before = content(engine.root)
    monkeypatch.setattr(os, "link", no_link)
    monkeypatch.setattr(storage.shutil, "copyfileobj", damaging)
    moved = move(engine, away)
    assert moved.files == 0
    assert "what was copied is not what was read" in moved.left[0].reason
    assert content(engine.root) == before
    assert content(away) == {}


# Each step of moving a file, on one disk and to another.
STEPS = ("lookalike.storage.os.link", "lookalike.storage.sync_directory", "pathlib.Path.unlink",
         "lookalike.storage.shutil.copyfileobj", "lookalike.storage.shutil.copystat",
         "lookalike.engine.file_moves.move_file", "lookalike.engine.journal.os.fsync")  # fmt: skip


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_nothing_is_lost(
    engine: Engine, away: Path, step: str, after: bool, across: bool
):
    before = content(engine.root)
    found = engine.duplicates(["exact"])
    with pytest.MonkeyPatch.context() as patch:
        if across:
            patch.setattr(os, "link", _refusing_other_folders(os.link))
        _kill_at(patch, step, after=after, times=2)
        with contextlib.suppress(Killed):
            engine.move_duplicates(found, away)
    there = {**content(engine.root), **content(away)}
    assert set(before.values()) <= set(there.values())
    assert before.items() <= there.items()
    if (away / "undo.jsonl").exists():
        assert not undo_moves(away / "undo.jsonl").left
        assert not {path for path in content(away) if not path.endswith(".lookalike-part")}
    assert content(engine.root) == before
    fresh = lookalike.open(engine.layout.directory, device="cpu")
    assert fresh.move_duplicates(found, away).files == 3
    assert undo_moves(away / "undo.jsonl").files == 3
    assert content(engine.root) == before


def _refusing_other_folders(link: object) -> object:
    def across(source: Path, place: Path, **named: bool) -> None:
        if Path(source).parent != Path(place).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        link(source, place, **named)  # type: ignore[operator]

    return across


def _kill_at(patch: pytest.MonkeyPatch, step: str, *, after: bool, times: int) -> None:
    """End the process, as it were, before or after the second call of a function."""
    owner, _, name = step.rpartition(".")
    module, _, attribute = owner.rpartition(".")
    import importlib

    try:
        place = importlib.import_module(owner)
    except ModuleNotFoundError:
        place = getattr(importlib.import_module(module), attribute)
    real, calls = getattr(place, name), []

    def killing(*given: object, **named: object) -> object:
        calls.append(given)
        if len(calls) == times and not after:
            raise Killed
        answer = real(*given, **named)
        if len(calls) == times:
            raise Killed
        return answer

    patch.setattr(place, name, killing)


def test_nothing_is_overwritten(engine: Engine, away: Path):
    (away / "x").mkdir(parents=True)
    (away / "x" / "a.png").write_bytes(b"somebody's")
    moved = move(engine, away)
    assert moved.files == 3
    assert (away / "x" / "a.png").read_bytes() == b"somebody's"
    assert (away / "x" / "a~2.png").is_file()
    (engine.root / "x" / "a.png").write_bytes(b"a new picture")
    back = undo_moves(moved.undo)
    assert back.files == 2
    ((left),) = back.left
    assert "another file is at" in left.reason
    assert (engine.root / "x" / "a.png").read_bytes() == b"a new picture"
    assert (away / "x" / "a~2.png").is_file()
    # Once that is out of the way, the same undo goes on.
    (engine.root / "x" / "a.png").unlink()
    assert undo_moves(moved.undo).files == 1
    assert (away / "x" / "a.png").read_bytes() == b"somebody's"


def test_what_has_changed_stays_and_so_does_what_lost_its_kept_one(engine: Engine, away: Path):
    found = engine.duplicates(["exact"])
    (engine.root / "x" / "a.png").write_bytes(b"changed")
    (engine.root / "b.png").unlink()
    (engine.root / "x" / "deep" / "a.png").unlink()
    moved = engine.move_duplicates(found, away)
    assert moved.files == 0
    reasons = {one.path: one.reason for one in moved.left}
    assert reasons == {
        "x/a.png": "has changed since it was indexed",
        "x/deep/a.png": "is gone",
        "y/b.png": "b.png, to be kept, is gone",
    }
    assert moved.undo is None
    assert (engine.root / "y" / "b.png").is_file()
    (engine.root / "b.png").write_bytes(b"another")
    assert "to be kept, has changed" in engine.move_duplicates(found, away).left[2].reason


def test_links_are_no_copies(engine: Engine, away: Path):
    found = engine.duplicates(["exact"])
    for copy, how in (("x/a.png", os.symlink), ("x/deep/a.png", os.link)):
        (engine.root / copy).unlink()
        how(engine.root / "a.png", engine.root / copy)
    (engine.root / "y" / "b.png").unlink()
    (engine.root / "y").rmdir()
    (engine.root / "y").symlink_to(engine.root)
    moved = engine.move_duplicates(found, away)
    assert moved.files == 0
    assert "is a link" in moved.left[0].reason
    assert all("free nothing" in one.reason for one in moved.left)
    assert set(content(engine.root)) >= KEPT


def test_a_changed_or_lost_file_is_not_put_back(engine: Engine, away: Path):
    moved = move(engine, away)
    (away / "x" / "a.png").write_bytes(b"edited since")
    (away / "y" / "b.png").unlink()
    back = undo_moves(moved.undo)
    assert back.files == 1
    reasons = sorted(one.reason for one in back.left)
    assert reasons == [
        "has changed since it was moved",
        "is gone, and so is the file at its old place",
    ]


def test_a_file_that_is_lost_while_another_took_its_place_is_told(engine: Engine, away: Path):
    moved = move(engine, away)
    (away / "y" / "b.png").unlink()
    (engine.root / "y" / "b.png").write_bytes(b"another")
    back = undo_moves(moved.undo)
    assert [(Path(one.path).name, one.reason) for one in back.left] == [
        ("b.png", f"is gone, and another file is at {engine.root / 'y' / 'b.png'}")
    ]


def test_nothing_is_put_below_an_empty_mount_point(
    engine: Engine, away: Path, monkeypatch: pytest.MonkeyPatch
):
    """What is written there is hidden as soon as the disk is mounted again."""
    disk = engine.root / "x"
    is_mount = Path.is_mount
    monkeypatch.setattr(Path, "is_mount", lambda self: self == disk or is_mount(self))
    moved = move(engine, away)
    monkeypatch.undo()
    back = undo_moves(moved.undo)
    assert {one.reason for one in back.left} == {
        f"goes to a disk that was mounted at {disk}: mount it first"
    }
    assert back.files == 1
    monkeypatch.setattr(Path, "is_mount", lambda self: self == disk or is_mount(self))
    assert undo_moves(moved.undo).files == 2


@pytest.mark.parametrize("whole_folder", [False, True])
def test_what_the_old_place_is_only_a_link_to_is_not_deleted(
    engine: Engine, away: Path, whole_folder: bool
):
    moved = move(engine, away)
    if whole_folder:
        (engine.root / "y").rmdir()
        (engine.root / "y").symlink_to(away / "y")
    else:
        (engine.root / "y" / "b.png").symlink_to(away / "y" / "b.png")
    back = undo_moves(moved.undo)
    assert back.files == 2
    assert "is a link to it now" in back.left[0].reason
    assert (away / "y" / "b.png").is_file()


def test_a_link_in_the_directory_does_not_lead_among_the_pictures(engine: Engine, away: Path):
    away.mkdir()
    (away / "y").symlink_to(engine.root / "x")
    moved = move(engine, away)
    assert moved.files == 2
    assert "leads out of" in moved.left[0].reason
    assert set(content(engine.root)) == KEPT | {"y/b.png"}


def test_a_file_that_is_written_to_while_it_is_copied(
    engine: Engine, away: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "link", _refusing_other_folders(os.link))
    copystat = storage.shutil.copystat

    def writing(source: Path, place: Path) -> None:
        copystat(source, place)
        source.write_bytes(b"just saved")

    monkeypatch.setattr(storage.shutil, "copystat", writing)
    moved = move(engine, away)
    assert moved.files == 0
    assert "it is being written to" in moved.left[0].reason
    assert (engine.root / COPIES[0]).read_bytes() == b"just saved"
    assert content(away) == {}


def test_a_directory_among_the_pictures_is_refused(engine: Engine, away: Path):
    away.symlink_to(engine.root / "x")
    for place in (engine.root / "duplicates", engine.root, away, engine.root.parent):
        with pytest.raises(EngineError, match="where the pictures are"):
            move(engine, place)
        with pytest.raises(EngineError, match="where the pictures are"):
            move(engine, place, dry_run=True)
    assert set(content(engine.root)) == KEPT | set(COPIES)


def test_a_directory_that_cannot_be_written(engine: Engine, tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError, match="cannot write"):
        move(engine, tmp_path / "file" / "away")
    assert set(content(engine.root)) == KEPT | set(COPIES)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_is_read_only(engine: Engine, away: Path):
    away.mkdir(mode=0o500)
    with pytest.raises(StorageError, match="permission denied"):
        move(engine, away)
    assert set(content(engine.root)) == KEPT | set(COPIES)


@pytest.mark.parametrize(("number", "fatal"), [(errno.EACCES, False), (errno.ENOSPC, True)])
def test_a_file_that_cannot_be_moved(
    engine: Engine, away: Path, monkeypatch: pytest.MonkeyPatch, number: int, fatal: bool
):
    def fail(source: Path, place: Path, sha256: str) -> None:
        raise OSError(number, os.strerror(number), str(place))

    monkeypatch.setattr(file_moves, "move_file", fail)
    if fatal:
        with pytest.raises(StorageError, match="no space left"):
            move(engine, away)
    else:
        moved = move(engine, away)
        assert moved.files == 0
        assert moved.left[0].reason == "cannot be moved: permission denied"
    assert set(content(engine.root)) == KEPT | set(COPIES)


def test_an_undo_file_of_a_crash_and_others(engine: Engine, away: Path, tmp_path: Path):
    before = content(engine.root)
    moved = move(engine, away)
    with moved.undo.open("a") as file:
        file.write('{"source": "/half a li')
    assert undo_moves(moved.undo).files == 3
    assert content(engine.root) == before
    assert move(engine, away).files == 3  # the half line is cut off, not built upon
    assert undo_moves(moved.undo).files == 3
    for text, why in (
        ("", "no undo file of this"),
        ('{"format": "else"}\n', "no undo file of this"),
        ("[1]\n", "damaged"),
        ("nonsense\n", "damaged"),
        (moved.undo.read_text() + "nonsense\n{}\n", "damaged"),
    ):
        (tmp_path / "undo.jsonl").write_text(text)
        with pytest.raises(EngineError, match=why):
            undo_moves(tmp_path / "undo.jsonl")
    with pytest.raises(EngineError, match="no undo file at"):
        undo_moves(tmp_path / "none.jsonl")


def test_somebody_elses_undo_file_is_not_written_to(engine: Engine, away: Path):
    away.mkdir()
    (away / "undo.jsonl").write_text("my own notes\n")
    with pytest.raises(EngineError, match="damaged"):
        move(engine, away)
    assert (away / "undo.jsonl").read_text() == "my own notes\n"
    assert set(content(engine.root)) == KEPT | set(COPIES)


def test_names_that_are_not_utf8(engine: Engine, away: Path):
    entry = {"source": "a\udcff", "target": "b\udcff", "sha256": "0"}
    away.mkdir()
    head = {"format": "lookalike-undo", "version": 1}
    (away / "undo.jsonl").write_text(json.dumps(head) + "\n" + json.dumps(entry) + "\n")
    (left,) = undo_moves(away / "undo.jsonl").left
    assert left.path == "b\udcff"


def test_an_engine_that_is_being_changed_is_left_alone(engine: Engine, away: Path):
    from lookalike.engine.lock import writing

    found = engine.duplicates(["exact"])
    with (
        writing(engine.layout, "lookalike sync"),
        pytest.raises(EngineError, match="is being changed by `lookalike sync`"),
    ):
        engine.move_duplicates(found, away)
    assert not away.exists()
