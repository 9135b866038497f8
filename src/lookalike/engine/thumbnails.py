"""Small copies of files to look at, decoded where a codec can do no harm."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import PictureError
from lookalike.images import thumbnail
from lookalike.images.answers import Thumbnail
from lookalike.images.guarded import can_guard
from lookalike.images.reading import read_bytes
from lookalike.names import name_of_file

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts

__all__ = ["file_thumbnail"]

_WHITE = (255, 255, 255)


def file_thumbnail(
    engine: EngineParts,
    file: Path,
    size: int,
    background: tuple[int, int, int] = _WHITE,
    *,
    enlarge: bool = True,
    sha256: str = "",
) -> NDArray[np.uint8]:
    """Return a small copy of a file, uint8 (h, w, 3); see `lookalike.images.thumbnail`.

    Args:
        engine: whose limits hold.
        file: the picture.
        size: the longest that a side may be, in pixels.
        background: RGB, under transparent pixels.
        enlarge: leave small pictures as they are, if false.
        sha256: of the bytes that are expected; "" takes any.

    Raises:
        PictureError: it is no picture, or not the one expected, or costs more than the engine's
            limits.
        IntakeError: no process to decode it can be started.
    """
    if can_guard():
        return engine.intake.thumbnail(file, Thumbnail(size, background, enlarge), sha256)
    if sha256 and hashlib.sha256(read_bytes(file, engine.limits)).hexdigest() != sha256:
        raise PictureError(f"{name_of_file(str(file))} is no longer what was indexed")
    return thumbnail(file, size, background, enlarge=enlarge, limits=engine.limits)
