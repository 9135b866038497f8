"""Where the picture files of an engine lie, and their bytes if they are still those indexed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.errors import PictureError
from lookalike.images.reading import read_bytes
from lookalike.names import name_of_file

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts

__all__ = [
    "gallery_folder",
    "indexed_bytes",
    "is_file_of_its_own",
    "picture_file",
    "picture_roots",
]


def picture_file(engine: EngineParts, path: str) -> Path:
    """Return the file of a path of the gallery, whether it is there or not."""
    return engine.file(path)


def picture_roots(engine: EngineParts) -> tuple[Path, ...]:
    """Return the folders that the pictures lie in."""
    return (engine.root, *engine.places.folders.values())


def gallery_folder(engine: EngineParts, folder: str) -> str:
    """Return a folder as the gallery's paths have it, whether it was named so or from anywhere."""
    given = folder.strip("/")
    if not Path(folder).is_absolute() and any(
        path.startswith(f"{given}/") for path in engine.gallery.paths
    ):
        return given
    path = Path(folder).expanduser()
    for name, root in {"": engine.root, **engine.places.folders}.items():
        for place in (path, path.resolve()):
            if place.is_absolute() and place.is_relative_to(root):
                below = name_of_file(place.relative_to(root).as_posix())
                return f"{name}/{below}" if name else below
    return path.as_posix().strip("/")


def is_file_of_its_own(path: str) -> bool:
    """Whether a path of the gallery names a file, and not one picture of a file of many (IDX)."""
    _, mark, number = path.rpartition("#")
    return not (mark and number.isdecimal())


def indexed_bytes(engine: EngineParts, place: int) -> bytes:
    """Return the bytes of the picture at a place of the gallery.

    Raises:
        PictureError: it is gone, cannot be read, or is no longer what was indexed.
    """
    path = engine.gallery.paths[place]
    data = read_bytes(picture_file(engine, path), engine.limits)
    if hashlib.sha256(data).hexdigest() != engine.gallery.sha256[place]:
        raise PictureError(f"{path} is no longer what was indexed")
    return data
