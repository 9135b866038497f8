"""Odd pictures, each beside what the decoder made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from lookalike.pictures.canvas import (
    NOTE,
    TEXT_LINE,
    as_image,
    card_size,
    check_some,
    draw_card,
    heading,
    new_page,
    write,
    write_note,
    write_texts,
    write_title,
)
from lookalike.pictures.style import MARGIN, MUTED, font

__all__ = ["OddPicture", "draw_oddities"]

_SIZE = 140
_COLUMNS = 5
_BETWEEN = 4  # original and reconstruction belong together
_APART = 32  # the pairs do not
_TEXT = 15
_CAPTION = 22
_NOTE = "On the left the picture as the network sees it, on the right what it rebuilds."


@dataclass(frozen=True)
class OddPicture:
    """A picture and its reconstruction.

    Attributes:
        original: uint8 (h, w, 3), (h, w, 1) or (h, w).
        reconstruction: the same.
        rank: 1 is the oddest.
        caption: how odd it is, such as "3.1 × median".
        detail: a second line, such as a label.
        name: a last line, such as a file's name.
    """

    original: np.ndarray[Any, Any]
    reconstruction: np.ndarray[Any, Any]
    rank: int
    caption: str
    detail: str = ""
    name: str = ""


def draw_oddities(pictures: Sequence[OddPicture], title: str | None = None) -> Image.Image:
    """Draw each picture with its reconstruction on its right, five pairs a line.

    Args:
        pictures: the oddest first.
        title: a line above.

    Raises:
        SettingsError: no picture, or one of another shape or type.
    """
    check_some(pictures, "pictures")
    size = card_size((as_image(one.original) for one in pictures), _SIZE)
    pair, columns = 2 * size + _BETWEEN, min(_COLUMNS, len(pictures))
    texts = max(sum(map(bool, (one.detail, one.name))) for one in pictures)
    band = size + 8 + _CAPTION + texts * TEXT_LINE + 20
    lines = -(-len(pictures) // columns)
    # A few pairs must still leave room for the words above them.
    width = 2 * MARGIN + max(columns * (pair + _APART) - _APART, _width_of_words(title))
    top = heading(title) + NOTE + 6
    page, draw = new_page(width, top + lines * band - 20 + MARGIN)
    write_title(draw, title, width)
    write_note(draw, _NOTE, heading(title), width)
    for position, one in enumerate(pictures):
        line, column = divmod(position, columns)
        place = (MARGIN + column * (pair + _APART), top + line * band)
        _draw_pair(page, one, place, size)
    return page


def _width_of_words(title: str | None) -> int:
    return int(max(font(_TEXT).getlength(_NOTE), font(24, bold=True).getlength(title or ""))) + 1


def _draw_pair(page: Image.Image, one: OddPicture, place: tuple[int, int], size: int) -> None:
    left, top = place
    width = 2 * size + _BETWEEN
    draw_card(page, as_image(one.original), place, size)
    draw_card(page, as_image(one.reconstruction), (left + size + _BETWEEN, top), size)
    draw, top = ImageDraw.Draw(page), top + size + 8
    rank = str(one.rank)
    write(draw, (left, top), rank, width=size, size=_TEXT, bold=True)
    room = width - font(_TEXT, bold=True).getlength(rank) - 6
    right = (left + width, top)
    write(draw, right, one.caption, width=room, size=_TEXT, colour=MUTED, anchor="right")
    write_texts(draw, (one.detail, one.name), (left, top + _CAPTION), width)
