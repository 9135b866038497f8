"""Small copies of files to look at, decoded where a codec can do no harm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.images import thumbnail
from lookalike.images.answers import Thumbnail
from lookalike.images.guarded import can_guard

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
) -> NDArray[np.uint8]:
    """Return a small copy of a file, uint8 (h, w, 3); see `lookalike.images.thumbnail`.

    Raises:
        PictureError: it is no picture, or costs more than the engine's limits.
        IntakeError: no process to decode it can be started.
    """
    if can_guard():
        return engine.intake.thumbnail(file, Thumbnail(size, background, enlarge))
    return thumbnail(file, size, background, enlarge=enlarge, limits=engine.limits)
