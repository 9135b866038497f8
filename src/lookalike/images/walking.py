"""The picture files in a folder and below, and what stands in the way of looking at them."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

from lookalike.images.collection import Skipped
from lookalike.images.names import name_of_file

__all__ = ["SUFFIXES", "is_folder", "walk"]

SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("jpg", "jpeg", "jpe", "jfif", "png", "webp", "avif", "heic", "heif", "hif", "gif"),
        *("bmp", "dib", "tif", "tiff", "ppm", "pgm", "pbm", "pnm", "tga", "jp2"),
    )
)
"""What the name of a picture file ends in; files of other names in a folder are not pictures."""

_ENGINES = (".lookalike", ".lookalike.partial", ".lookalike.old")
# What the manifest.json of an engine of any name says.
_ENGINE_FORMAT = "lookalike-engine"
_LARGEST_MANIFEST = 10_000_000
# What Macs, Windows and network disks put beside pictures: copies, thumbnails, what was deleted.
_NOT_THE_PERSONS = frozenset(
    ("__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found")
)


def walk(root: Path, skipped: list[Skipped]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield the path and the entry of each picture file below; a real folder is entered once."""
    waiting, seen = [""], {_identity(root)}
    while waiting:
        folder = waiting.pop()
        for entry in _entries(root, folder, skipped):
            path = f"{folder}{entry.name}"
            if is_folder(entry):
                identity = _identity(root / path)
                unseen = identity is None or identity not in seen
                if unseen and not _is_engine(root / path):
                    seen.add(identity)
                    waiting.append(f"{path}/")
            elif entry.is_symlink() and not _leads_somewhere(entry):
                # Whatever its name: it may have led to a folder on a disk that is away.
                skipped.append(Skipped(name_of_file(path), "the link leads nowhere"))
            elif "".join(entry.name.rpartition(".")[1:]).lower() in SUFFIXES:
                reason = _unusable(entry)
                if reason:
                    skipped.append(Skipped(name_of_file(path), reason))
                else:
                    yield name_of_file(path), entry


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


def _entries(root: Path, folder: str, skipped: list[Skipped]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(root / folder) as entries:
            visible = [entry for entry in entries if _is_the_persons(entry.name)]
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        skipped.append(Skipped(name_of_file(folder.rstrip("/") or "."), reason))
        return []
    return sorted(visible, key=lambda entry: entry.name)


def _is_the_persons(name: str) -> bool:
    """Whether a file or folder is one that a person put there; what is hidden is not."""
    return not name.startswith(".") and name not in _NOT_THE_PERSONS


def _unusable(entry: os.DirEntry[str]) -> str | None:
    return None if _is_file(entry) else "it is not a regular file"


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _leads_somewhere(entry: os.DirEntry[str]) -> bool:
    try:
        entry.stat()
    except OSError as error:
        return error.errno == errno.EACCES  # what may not be looked at is there
    return True


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
