"""Many thumbnails in a plain grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from lookalike.errors import SettingsError
from lookalike.pictures.canvas import (
    as_image,
    card_size,
    check_some,
    draw_card,
    heading,
    new_page,
    write_title,
)
from lookalike.pictures.style import MARGIN

__all__ = ["draw_montage"]

_GAP = 4
_WIDEST = 1600
_LARGEST, _SMALLEST = 168, 28


def draw_montage(
    thumbnails: Sequence[np.ndarray[Any, Any]],
    columns: int | None = None,
    title: str | None = None,
) -> Image.Image:
    """Draw the thumbnails line by line, each centred on its own small card.

    Args:
        thumbnails: uint8 (h, w), (h, w, 1) or (h, w, 3), of any size.
        columns: pictures a line; None makes the grid about square.
        title: a line above.

    Raises:
        SettingsError: no thumbnail, one of another shape or type, or less than one column.
    """
    check_some(thumbnails, "thumbnails")
    if columns is not None and columns < 1:
        raise SettingsError(f"a montage needs at least one column, got {columns}")
    columns = min(columns or math.ceil(math.sqrt(len(thumbnails))), len(thumbnails))
    images = [as_image(thumbnail) for thumbnail in thumbnails]
    room = (_WIDEST - 2 * MARGIN) // columns - _GAP
    size = card_size(images, max(_SMALLEST, min(_LARGEST, room)))
    step, top = size + _GAP, heading(title)
    lines = math.ceil(len(thumbnails) / columns)
    width = 2 * MARGIN + columns * step - _GAP
    page, draw = new_page(width, top + lines * step - _GAP + MARGIN)
    write_title(draw, title, width)
    for position, image in enumerate(images):
        line, column = divmod(position, columns)
        draw_card(page, image, (MARGIN + column * step, top + line * step), size)
    return page
