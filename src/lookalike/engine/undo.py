"""Putting duplicates back that were moved out of the way; no file is overwritten."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lookalike.engine.file_moves import Refused, make_folder, move_checked, sha256_of
from lookalike.engine.journal import Entry, read_journal
from lookalike.engine.moving import Left, Moved
from lookalike.errors import StorageError
from lookalike.storage import storage_errors, sync_directory
from lookalike.types import OnProgress, Progress, silent

__all__ = ["undo_moves"]


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
        except (Refused, StorageError, OSError) as error:  # the others are put back all the same
            left.append(Left(entry.target, str(error)))
        on_progress(Progress("put back", done, len(entries)))
    _remove_empty(place.parent, entries)
    return Moved(files, size, tuple(left), place.parent)


def _put_back(entry: Entry) -> int | None:
    """Move a file back; return its size, or None where there is nothing to do.

    Raises:
        Refused: it cannot be put back.
    """
    source, moved = Path(entry.source), Path(entry.target)
    if not moved.is_file():
        if not os.path.lexists(source):
            raise Refused("is gone, and so is the file at its old place")
        if not source.is_file() or sha256_of(source) != entry.sha256:
            raise Refused(f"is gone, and another file is at {source}")
        return None  # it was never moved, or is back already
    if sha256_of(moved) != entry.sha256:
        raise Refused("has changed since it was moved")
    size = moved.stat().st_size
    if not os.path.lexists(source):
        if entry.mount and not Path(entry.mount).is_mount():
            raise Refused(f"goes to a disk that was mounted at {entry.mount}: mount it first")
        make_folder(source.parent, None)
        move_checked(moved, source, entry.sha256)
        return size
    if source.is_symlink() or source.resolve() == moved.resolve():
        raise Refused(f"{source} is a link to it now")  # what it leads to is the only one
    if not source.is_file() or sha256_of(source) != entry.sha256:
        raise Refused(f"another file is at {source} now: it is not overwritten")
    # The move was cut between its two halves: the file is at both places.
    moved.unlink()
    sync_directory(moved.parent)
    return None


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
