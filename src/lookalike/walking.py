"""Walk through a folder of pictures: the files that there are, and what they are like together.

Nothing here reads a picture or needs an array, so that asking whether anything has changed costs no
more than asking the system for the files.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from lookalike.errors import CollectionError
from lookalike.names import name_of_file

__all__ = [
    "GONE",
    "IDX_IMAGES",
    "SUFFIXES",
    "FileState",
    "Split",
    "files_state",
    "folder_state",
    "idx_images",
    "joined_state",
    "split_folders",
    "walk",
]

Split = Literal["train", "val", "test"]
FileState: TypeAlias = tuple[int, int]
"""Size in bytes and time of change in ns."""

GONE: FileState = (-1, -1)
"""The state of a file that is not there, or may not be looked at."""

SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("jpg", "jpeg", "jpe", "jfif", "png", "webp", "avif", "heic", "heif", "hif", "gif"),
        *("bmp", "dib", "tif", "tiff", "ppm", "pgm", "pbm", "pnm", "tga", "jp2"),
    )
)
"""What the name of a picture file ends in; files of other names in a folder are not pictures."""

IDX_IMAGES = re.compile(r"(train|t10k|test)-images[-.]idx[34]-ubyte(\.gz)?$")
"""The names of MNIST's files of pictures."""

_SPLIT_FOLDERS: dict[str, Split] = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
_ENGINES = (".lookalike", ".lookalike.partial", ".lookalike.old")
# What the manifest.json of an engine of any name says.
_ENGINE_FORMAT = "lookalike-engine"
_LARGEST_MANIFEST = 10_000_000
# What Macs, Windows and network disks put beside pictures: copies, thumbnails, what was deleted.
_NOT_THE_PERSONS = frozenset(
    ("__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found")
)


def walk(root: Path, skipped: list[tuple[str, str]]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield the path and the entry of each picture file below; a real folder is entered once.

    An entry can be asked for its state until the next one is taken.

    Args:
        root: where to begin.
        skipped: is given the path and the reason of what is left out.
    """
    waiting, seen = [""], {_identity(root)}
    while waiting:
        folder = waiting.pop()
        with _entries(root, folder, skipped) as entries:
            for entry in entries:
                name = entry.name
                path = folder + name
                is_picture = name[name.rfind(".") :].lower() in SUFFIXES
                if is_picture and entry.is_file(follow_symlinks=False):
                    yield name_of_file(path), entry  # nearly all are such
                elif _is_folder(entry):
                    identity = _identity(root / path)
                    unseen = identity is None or identity not in seen
                    if unseen and not _is_engine(root / path):
                        seen.add(identity)
                        waiting.append(f"{path}/")
                elif entry.is_symlink() and (problem := _problem_of_link(entry)):
                    # Whatever its name: it may have led to a folder on a disk that is away.
                    skipped.append((name_of_file(path), problem))
                elif is_picture and _is_file(entry):
                    yield name_of_file(path), entry
                elif is_picture:
                    skipped.append((name_of_file(path), "it is not a regular file"))


def split_folders(folder: Path) -> dict[str, Split]:
    """Return the folders that are splits: there is a `train`, and a `val` or a `test`."""
    with os.scandir(folder) as entries:
        names = {entry.name for entry in entries if _is_folder(entry)}
    splits = {
        name: _SPLIT_FOLDERS[name.lower()] for name in names if name.lower() in _SPLIT_FOLDERS
    }
    return splits if "train" in splits.values() and len(set(splits.values())) > 1 else {}


def idx_images(folder: Path) -> list[Path]:
    """Return the MNIST-named files of pictures in a folder, train first; a copy unzipped wins.

    Raises:
        CollectionError: the folder cannot be read.
    """
    found: dict[str, Path] = {}
    try:
        with os.scandir(folder) as entries:
            names = sorted(one.name for one in entries if IDX_IMAGES.fullmatch(one.name))
    except OSError as error:
        raise CollectionError(
            f"cannot read the folder {folder}: {(error.strerror or 'error').lower()}"
        ) from error
    for name in names:
        if (folder / name).is_file():
            found.setdefault(name.partition("-")[0], folder / name)
    return [found[name] for name in ("train", "t10k", "test") if name in found]


def folder_state(folder: Path) -> str | None:
    """Return a digest that changes whenever a picture file in a folder, or below, does.

    Of every file the path, the size and the time of change are digested, so this is much quicker
    than looking at the pictures.

    Args:
        folder: as `find_pictures` takes it.

    Returns:
        None for what is not a folder of picture files.

    Raises:
        CollectionError: the folder cannot be read.
    """
    if not folder.is_dir() or idx_images(folder):
        return None
    skipped: list[tuple[str, str]] = []
    return files_state(folder, _states(folder, skipped), skipped)


def _states(folder: Path, skipped: list[tuple[str, str]]) -> Iterator[tuple[str, FileState]]:
    for path, entry in walk(folder, skipped):
        try:
            status = entry.stat()
            yield path, (status.st_size, status.st_mtime_ns)
        except OSError:
            yield path, GONE


def files_state(
    folder: Path, files: Iterable[tuple[str, FileState]], skipped: Iterable[tuple[str, str]]
) -> str:
    """Return what `folder_state` gives of a folder whose files are known.

    Args:
        folder: where they are.
        files: paths and states.
        skipped: path and reason of what was left out; taken after the files.
    """
    lines = [f"{path}\0{size}\0{modified}" for path, (size, modified) in files]
    lines += [f"{path}\0{reason}" for path, reason in skipped]
    lines += [f"{name}\0{split}" for name, split in split_folders(folder).items()]
    lines.sort()
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def joined_state(states: Mapping[str, str | None]) -> str | None:
    """Return the state of several folders, by their names; None where that of one is not known."""
    if None in states.values():
        return None
    if len(states) == 1:
        return next(iter(states.values()))
    lines = [f"{name}\0{state}" for name, state in sorted(states.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@contextmanager
def _entries(
    root: Path, folder: str, skipped: list[tuple[str, str]]
) -> Iterator[list[os.DirEntry[str]]]:
    """Give what is in a folder, sorted; while its handle is open, the files are asked through it.

    The system then need not follow the whole path for each of them.
    """
    handle, visible = None, []
    try:
        by_handle = os.scandir in os.supports_fd
        handle = os.open(root / folder, os.O_RDONLY) if by_handle else None
        with os.scandir(root / folder if handle is None else handle) as entries:
            # What is hidden, and what a system put there, is not the person's.
            visible = [
                entry
                for entry in entries
                if entry.name[0] != "." and entry.name not in _NOT_THE_PERSONS
            ]
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        skipped.append((name_of_file(folder.rstrip("/") or "."), reason))
    try:
        yield sorted(visible, key=lambda entry: entry.name)
    finally:
        if handle is not None:
            os.close(handle)


def _is_engine(folder: Path) -> bool:
    """Whether a folder is an engine, finished or not: its reports are no pictures of the source."""
    if folder.name.endswith(_ENGINES):
        return True
    place = folder / "manifest.json"
    try:
        if not place.is_file() or place.stat().st_size > _LARGEST_MANIFEST:
            return False
        manifest = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(manifest, dict) and manifest.get("format") == _ENGINE_FORMAT


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _problem_of_link(entry: os.DirEntry[str]) -> str:
    try:
        entry.stat()
    except OSError as error:
        nowhere = error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
        return "the link leads nowhere" if nowhere else (error.strerror or "error").lower()
    return ""


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what tells one real folder from another; None for one that may not be looked at."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
