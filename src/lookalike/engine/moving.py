"""Moving duplicates out of the way, and back again: never over another file, never the last copy.

Every file is checked right before it is moved: it is what was indexed, and so is the picture that
is kept instead of it. Where it goes is written into `undo.jsonl` and synced to the disk first, so
that whatever cuts the work short, `undo_moves` finds every file.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.engine.duplicate_groups import Copy, Duplicates
from lookalike.engine.files import is_file_of_its_own, picture_file, picture_roots
from lookalike.engine.lock import writing
from lookalike.engine.undo import UNDO, Entry, Journal, read_journal
from lookalike.errors import EngineError, StorageError
from lookalike.names import file_of_name
from lookalike.storage import move_file, storage_errors, sync_directory
from lookalike.types import OnProgress, Progress, silent

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts

__all__ = ["Left", "Moved", "move_duplicates", "undo_moves"]

# Nothing more can be moved after one of these.
FATAL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@dataclass(frozen=True)
class Left:
    """A file that was left where it is, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Moved:
    """What was moved, or would be.

    Attributes:
        files: how many.
        size: of them all, in bytes.
        left: files that were left where they are.
        directory: where they went; of an undo, where they had been.
        undo: the file that `undo_moves` takes; None where nothing was moved.
        dry_run: nothing was moved.
    """

    files: int
    size: int
    left: tuple[Left, ...]
    directory: Path
    undo: Path | None = None
    dry_run: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "files": self.files,
            "size": self.size,
            "left": [asdict(one) for one in self.left],
            "directory": str(self.directory),
            "undo": None if self.undo is None else str(self.undo),
            "dry_run": self.dry_run,
        }


class _Refused(Exception):
    """A file is not moved; the message says why."""


def move_duplicates(
    engine: EngineParts,
    found: Duplicates,
    directory: str | Path,
    *,
    dry_run: bool = False,
    on_progress: OnProgress = silent,
) -> Moved:
    """Move all pictures but the kept ones of each group; see `Engine.move_duplicates`.

    Raises:
        EngineError: the directory is inside of the pictures' folder or around it, or another
            process changes the engine.
        StorageError: the disk is full, or the directory may not be written.
    """
    target = Path(directory).expanduser().absolute()
    _check_place(engine, target)
    if dry_run:
        return _move_all(engine, found, target, None, on_progress)
    with writing(engine.layout, "lookalike duplicates"), storage_errors(target):
        target.mkdir(parents=True, exist_ok=True)
        journal = Journal(target / UNDO, engine.layout.directory)
        return _move_all(engine, found, target, journal, on_progress)


def undo_moves(undo: str | Path, *, on_progress: OnProgress = silent) -> Moved:
    """Put every file back that an undo file names and that is still where it was moved to.

    It may be called again: what is back already stays as it is. No file is overwritten.

    Args:
        undo: the file that `move_duplicates` wrote.
        on_progress: told how many are looked at.

    Raises:
        EngineError: it is no undo file, or it is damaged.
        StorageError: the disk is full, or a folder may not be written.
    """
    place = Path(undo).expanduser().absolute()
    entries = read_journal(place)
    files, size, left = 0, 0, []
    # The last first: what was moved twice goes back the way it came.
    for done, entry in enumerate(reversed(entries), start=1):
        try:
            with storage_errors(place.parent):
                came = _put_back(entry)
            files, size = files + (came is not None), size + (came or 0)
        except (_Refused, StorageError, OSError) as error:  # the others are put back all the same
            left.append(Left(entry.target, str(error)))
        on_progress(Progress("put back", done, len(entries)))
    _remove_empty(place.parent, entries)
    return Moved(files, size, tuple(left), place.parent)


def _move_all(
    engine: EngineParts,
    found: Duplicates,
    target: Path,
    journal: Journal | None,
    on_progress: OnProgress,
) -> Moved:
    files, size, done = 0, 0, 0
    left: list[Left] = []
    for group in found.groups:
        for copy in group.others:
            try:
                size += _move_one(engine, copy, group.kept, target, journal)
                files += 1
            except _Refused as refused:
                left.append(Left(copy.path, str(refused)))
            done += 1
            on_progress(Progress("move", done, found.others))
    undo = journal.place if journal is not None and files else None
    return Moved(files, size, tuple(left), target, undo, journal is None)


def _move_one(
    engine: EngineParts, copy: Copy, kept: Copy, target: Path, journal: Journal | None
) -> int:
    """Check a file and move it; return its size in bytes.

    Raises:
        _Refused: it must not be moved, or cannot be.
        StorageError: nothing more can be moved.
    """
    source, stays = picture_file(engine, copy.path), picture_file(engine, kept.path)
    _check(source, stays, copy, kept)
    size = source.stat().st_size
    if journal is None:
        return size
    place = _free_name(target / file_of_name(copy.path))
    if not place.parent.resolve().is_relative_to(target.resolve()):
        raise _Refused(f"{place.parent} is a link that leads out of {target}")
    _make_folder(place.parent, target)
    journal.add(Entry(str(source), str(place), copy.sha256, _mount(source)))
    _move(source, place, copy.sha256)
    return size


def _mount(file: Path) -> str:
    """Return where the disk is mounted that a file is on."""
    folders = file.resolve().parents
    return str(next(one for one in folders if one.is_mount() or one == folders[-1]))


def _check(source: Path, stays: Path, copy: Copy, kept: Copy) -> None:
    """Raise where a file is not what was indexed, or what is kept instead of it is not.

    Raises:
        _Refused: it says why.
    """
    if not (is_file_of_its_own(copy.path) and is_file_of_its_own(kept.path)):
        raise _Refused("is one picture of a file of many")
    if source.is_symlink():
        raise _Refused("is a link: moving it would free nothing")
    for file, facts, name in ((stays, kept, kept.path), (source, copy, "it")):
        if not file.is_file():
            raise _Refused("is gone" if file == source else f"{name}, to be kept, is gone")
        if _sha256(file) != facts.sha256:
            what = "has" if file == source else f"{name}, to be kept, has"
            raise _Refused(f"{what} changed since it was indexed")
    if source.samefile(stays):
        raise _Refused(f"is the same file as {kept.path}: moving it would free nothing")


def _put_back(entry: Entry) -> int | None:
    """Move a file back; return its size, or None where there is nothing to do.

    Raises:
        _Refused: it cannot be put back.
    """
    source, moved = Path(entry.source), Path(entry.target)
    if not moved.is_file():
        if not os.path.lexists(source):
            raise _Refused("is gone, and so is the file at its old place")
        if not source.is_file() or _sha256(source) != entry.sha256:
            raise _Refused(f"is gone, and another file is at {source}")
        return None  # it was never moved, or is back already
    if _sha256(moved) != entry.sha256:
        raise _Refused("has changed since it was moved")
    size = moved.stat().st_size
    if not os.path.lexists(source):
        if entry.mount and not Path(entry.mount).is_mount():
            raise _Refused(f"goes to a disk that was mounted at {entry.mount}: mount it first")
        _make_folder(source.parent, None)
        _move(moved, source, entry.sha256)
        return size
    if source.is_symlink() or source.resolve() == moved.resolve():
        raise _Refused(f"{source} is a link to it now")  # what it leads to is the only one
    if not source.is_file() or _sha256(source) != entry.sha256:
        raise _Refused(f"another file is at {source} now: it is not overwritten")
    # The move was cut between its two halves: the file is at both places.
    moved.unlink()
    sync_directory(moved.parent)
    return None


def _move(source: Path, place: Path, sha256: str) -> None:
    try:
        move_file(source, place, sha256)
    except OSError as error:
        if error.errno in FATAL:
            raise
        raise _Refused(f"cannot be moved: {(error.strerror or str(error)).lower()}") from error


def _make_folder(folder: Path, target: Path | None) -> None:
    """Make a folder, and let it survive a loss of power."""
    try:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for one in missing:
            sync_directory(one.parent)
    except OSError as error:
        if error.errno in FATAL or target is None:
            raise StorageError(
                f"cannot make {folder}: {(error.strerror or 'error').lower()}"
            ) from error
        raise _Refused(f"cannot make {folder}: {(error.strerror or 'error').lower()}") from error


def _free_name(place: Path) -> Path:
    """Return the place, or the first beside it where nothing is: `a.jpg`, `a~2.jpg`, ..."""
    number, free = 1, place
    while os.path.lexists(free):
        number += 1
        free = place.with_name(f"{place.stem}~{number}{place.suffix}")
    return free


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise _Refused(f"{file} cannot be read: {(error.strerror or 'error').lower()}") from error


def _check_place(engine: EngineParts, target: Path) -> None:
    """Refuse a directory in which the next sync would find all the files again.

    Raises:
        EngineError: it names the pictures' folder.
    """
    place = target.resolve()
    for root in picture_roots(engine):
        inner, outer = place.is_relative_to(root.resolve()), root.resolve().is_relative_to(place)
        if inner or outer:
            how = "inside of" if inner else "around"
            raise EngineError(
                f"{target} is {how} {root}, where the pictures are: the next sync would find what "
                "was moved there again; name a directory beside it"
            )


def _remove_empty(directory: Path, entries: list[Entry]) -> None:
    """Remove the folders below the directory that moving has made and that are empty again."""
    for folder in sorted(_folders(directory, entries), reverse=True):
        with suppress(OSError):  # not empty, or gone already
            folder.rmdir()


def _folders(directory: Path, entries: list[Entry]) -> set[Path]:
    return {folder for entry in entries for folder in _between(directory, Path(entry.target))}


def _between(directory: Path, file: Path) -> Iterator[Path]:
    for folder in file.parents:
        if folder == directory or not folder.is_relative_to(directory):
            return
        yield folder
