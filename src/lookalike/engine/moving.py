"""Moving duplicates out of the way, and back again: never over another file, never the last copy.

Every file is checked right before it is moved: it is what was indexed, and so is the picture that
is kept instead of it. Where it goes is written into `undo.jsonl` and synced to the disk first, so
that whatever cuts the work short, `undo_moves` finds every file.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.engine.duplicate_groups import Copy, Duplicates
from lookalike.engine.file_moves import Refused, make_folder, move_checked, sha256_of
from lookalike.engine.files import is_file_of_its_own, picture_file, picture_roots
from lookalike.engine.journal import UNDO, Entry, Journal
from lookalike.engine.lock import writing
from lookalike.errors import EngineError
from lookalike.names import file_of_name
from lookalike.storage import storage_errors
from lookalike.types import OnProgress, Progress, silent

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts

__all__ = ["Left", "Moved", "move_duplicates"]


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
            except Refused as refused:
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
        Refused: it must not be moved, or cannot be.
        StorageError: nothing more can be moved.
    """
    source, stays = picture_file(engine, copy.path), picture_file(engine, kept.path)
    _check(source, stays, copy, kept)
    size = source.stat().st_size
    if journal is None:
        return size
    place = _free_name(target / file_of_name(copy.path))
    if not place.parent.resolve().is_relative_to(target.resolve()):
        raise Refused(f"{place.parent} is a link that leads out of {target}")
    make_folder(place.parent, target)
    journal.add(Entry(str(source), str(place), copy.sha256, _mount(source)))
    move_checked(source, place, copy.sha256)
    return size


def _mount(file: Path) -> str:
    """Return where the disk is mounted that a file is on."""
    folders = file.resolve().parents
    return str(next(one for one in folders if one.is_mount() or one == folders[-1]))


def _check(source: Path, stays: Path, copy: Copy, kept: Copy) -> None:
    """Raise where a file is not what was indexed, or what is kept instead of it is not.

    Raises:
        Refused: it says why.
    """
    if not (is_file_of_its_own(copy.path) and is_file_of_its_own(kept.path)):
        raise Refused("is one picture of a file of many")
    if source.is_symlink():
        raise Refused("is a link: moving it would free nothing")
    for file, facts, name in ((stays, kept, kept.path), (source, copy, "it")):
        if not file.is_file():
            raise Refused("is gone" if file == source else f"{name}, to be kept, is gone")
        if sha256_of(file) != facts.sha256:
            what = "has" if file == source else f"{name}, to be kept, has"
            raise Refused(f"{what} changed since it was indexed")
    if source.samefile(stays):
        raise Refused(f"is the same file as {kept.path}: moving it would free nothing")


def _free_name(place: Path) -> Path:
    """Return the place, or the first beside it where nothing is: `a.jpg`, `a~2.jpg`, ..."""
    number, free = 1, place
    while os.path.lexists(free):
        number += 1
        free = place.with_name(f"{place.stem}~{number}{place.suffix}")
    return free


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
