from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path

import pytest

from lookalike import storage
from lookalike.errors import StorageError
from lookalike.storage import (
    check_place,
    recover,
    replace_directory,
    storage_errors,
    sync_tree,
    write_text,
)


def folder(place: Path, content: str) -> Path:
    place.mkdir()
    (place / "file").write_text(content)
    return place


def test_text_is_replaced_whole(tmp_path: Path):
    place = tmp_path / "new" / "file.txt"
    write_text(place, "one")
    write_text(place, "zwei · ☃")
    assert place.read_text(encoding="utf-8") == "zwei · ☃"
    assert [path.name for path in place.parent.iterdir()] == ["file.txt"]


def test_a_failed_write_leaves_the_old_text(tmp_path: Path, monkeypatch):
    place = tmp_path / "file.txt"
    write_text(place, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(place))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"cannot write .*no space left on device; free space"):
        write_text(place, "new")
    assert place.read_text() == "old"


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_directory_is_swapped_in(tmp_path: Path, monkeypatch, *, exchanges: bool):
    if not exchanges:
        monkeypatch.setattr(storage, "_exchange", lambda *_: False)
    place = folder(tmp_path / "place", "old")
    replace_directory(folder(tmp_path / "new", "new"), place)
    assert (place / "file").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def test_a_crash_between_the_renames_is_undone(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(storage, "_exchange", lambda *_: False)
    place, new = folder(tmp_path / "place", "old"), folder(tmp_path / "new", "new")
    original = Path.rename

    def crash(self: Path, target: Path) -> Path:
        if self == new:
            raise KeyboardInterrupt
        return original(self, target)

    monkeypatch.setattr(Path, "rename", crash)
    with pytest.raises(KeyboardInterrupt):
        replace_directory(new, place)
    monkeypatch.undo()
    assert not place.exists()
    recover(place)
    assert (place / "file").read_text() == "old"
    recover(place)
    replace_directory(new, place)
    assert (place / "file").read_text() == "new"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS])
def test_storage_errors_are_one_line(number: int, tmp_path: Path):
    with pytest.raises(StorageError) as caught, storage_errors(tmp_path):
        raise OSError(number, os.strerror(number))
    assert os.strerror(number).lower() in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_errors_pass(tmp_path: Path):
    with pytest.raises(OSError, match="bad"), storage_errors(tmp_path):
        raise OSError(errno.EIO, "bad")


def test_syncing_reaches_every_file_and_folder(tmp_path: Path, monkeypatch):
    folder(tmp_path / "a", "x")
    folder(tmp_path / "a" / "b", "y")
    synced = []

    def note(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())

    monkeypatch.setattr(os, "fsync", note)
    sync_tree(tmp_path / "a")
    names = {path.relative_to(tmp_path).as_posix() for path in synced}
    assert names == {"a", "a/file", "a/b", "a/b/file"}


def test_what_a_crash_left_is_not_deleted_by_the_next_writer(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(storage, "_exchange", lambda *_: False)
    folder(tmp_path / "place.old", "good")
    new = folder(tmp_path / "new", "new")
    original = Path.rename

    def crash(self: Path, target: Path) -> Path:
        if self == new:
            raise KeyboardInterrupt
        return original(self, target)

    monkeypatch.setattr(Path, "rename", crash)
    with pytest.raises(KeyboardInterrupt):
        replace_directory(new, tmp_path / "place")
    recover(tmp_path / "place")
    assert (tmp_path / "place" / "file").read_text() == "good"


def test_a_failed_write_leaves_nothing_beside(tmp_path: Path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError):
        write_text(tmp_path / "file.txt", "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="two names are exchanged at once on Linux")
def test_a_reader_always_finds_the_directory(tmp_path: Path):
    place, missing, done = folder(tmp_path / "place", "0"), [], threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                recover(place)
                (place / "file").read_text()
            except OSError as error:
                missing.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        replace_directory(folder(tmp_path / "new", str(number)), place)
    done.set()
    reader.join()
    # A file may be gone when the folder that it was found in is; the folder itself never is.
    assert all(Path(str(error.filename)) == place / "file" for error in missing)
    assert (place / "file").read_text() == "199"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["place"]


def test_a_place_that_cannot_be_written_is_said_before_the_work(tmp_path):
    check_place(tmp_path / "new" / "file.onnx")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").write_text("")
    for place, reason in ((tmp_path, "there is a folder"), (tmp_path / "file" / "x", "cannot")):
        with pytest.raises(StorageError, match=reason):
            check_place(place)
