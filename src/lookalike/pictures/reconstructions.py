"""Pictures beside what the decoder made of them."""

from __future__ import annotations

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
    write,
    write_title,
)
from lookalike.pictures.style import GAP, MARGIN, MUTED

__all__ = ["draw_reconstructions"]

_SIZE = 140
_COLUMNS = 10
_LABEL = 24
_ERROR = 22


def draw_reconstructions(
    originals: np.ndarray[Any, Any],
    reconstructions: np.ndarray[Any, Any],
    title: str | None = None,
    errors: Sequence[float] | None = None,
) -> Image.Image:
    """Draw each original above its reconstruction, ten pairs a line.

    Args:
        originals: uint8 (N, H, W, C), C 1 or 3.
        reconstructions: uint8, the same shape.
        title: a line above.
        errors: the reconstruction error of each picture, written beneath it.

    Raises:
        SettingsError: no picture, shapes that differ, or not one error a picture.
    """
    check_some(originals, "originals")
    if np.shape(originals) != np.shape(reconstructions):
        raise SettingsError(
            f"originals and reconstructions differ in shape: {np.shape(originals)} "
            f"and {np.shape(reconstructions)}"
        )
    if errors is not None and len(errors) != len(originals):
        raise SettingsError(f"got {len(errors)} errors for {len(originals)} pictures")
    return _draw(originals, reconstructions, title, errors)


def _draw(
    originals: Sequence[np.ndarray[Any, Any]] | np.ndarray[Any, Any],
    reconstructions: Sequence[np.ndarray[Any, Any]] | np.ndarray[Any, Any],
    title: str | None,
    errors: Sequence[float] | None,
) -> Image.Image:
    images = [as_image(pixels) for pixels in originals]
    copies = [as_image(pixels) for pixels in reconstructions]
    size, columns = card_size(images, _SIZE), min(_COLUMNS, len(images))
    band = 2 * (_LABEL + size + GAP) + (_ERROR if errors is not None else 0) + GAP
    # A single pair must still leave room for the label above it.
    width = 2 * MARGIN + max(columns * (size + GAP) - GAP, 2 * _SIZE)
    height = heading(title) + -(-len(images) // columns) * band - 2 * GAP + MARGIN
    page, draw = new_page(width, height)
    write_title(draw, title, width)
    for first in range(0, len(images), columns):
        top = heading(title) + first // columns * band
        chosen = slice(first, first + columns)
        for name, line in (("Original", images[chosen]), ("Reconstruction", copies[chosen])):
            write(draw, (MARGIN, top), name, width=2 * _SIZE, size=15, bold=True)
            top += _LABEL
            for column, image in enumerate(line):
                draw_card(page, image, (MARGIN + column * (size + GAP), top), size)
            top += size + GAP
        for column, error in enumerate(() if errors is None else errors[chosen]):
            middle = (MARGIN + column * (size + GAP) + size / 2, top - 6)
            text = f"{error:.4g}"
            write(draw, middle, text, width=size, size=14, colour=MUTED, anchor="centre")
    return page
