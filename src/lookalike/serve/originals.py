"""The files of the gallery's pictures: none that lies elsewhere is ever opened."""

from __future__ import annotations

from pathlib import Path

from lookalike.engine.files import is_file_of_its_own, picture_file
from lookalike.serve.state import Opened

__all__ = ["original"]


def original(opened: Opened, place: int) -> Path | None:
    """Return the file of a picture, with all links followed; None where there is none to show.

    A link that leads out of the folders that the engine was made from shows nothing.

    Args:
        opened: the engine.
        place: of the picture in the gallery.
    """
    (path,) = opened.gallery.paths_at([place])
    if not is_file_of_its_own(path):
        return None
    try:
        file = picture_file(opened.engine, path).resolve()
        inside = any(file.is_relative_to(root) for root in opened.roots)
        return file if inside and file.is_file() else None
    except (OSError, ValueError, RuntimeError):  # a link that leads to itself, a NUL
        return None
