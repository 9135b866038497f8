"""The way between two pictures, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from lookalike.errors import SettingsError
from lookalike.pictures.canvas import (
    FRAME,
    TEXT_LINE,
    as_image,
    card_size,
    check_some,
    draw_card,
    draw_framed,
    heading,
    new_page,
    write,
    write_texts,
    write_title,
)
from lookalike.pictures.style import ACCENT, GAP, LINE, MARGIN, MUTED

__all__ = ["BetweenCell", "draw_between"]

_SIZE = 140
_MOST = 9  # steps a line
_END_GAP = 36
_TEXT = 15
_HEADER = 28
_CAPTION = 22
_BAR = 5
_ROW_GAP = 16
_LINE_GAP = 40


@dataclass(frozen=True)
class BetweenCell:
    """One picture and what is written beneath it.

    Attributes:
        thumbnail: uint8 (h, w, 3), (h, w, 1) or (h, w), of any size.
        caption: such as a label or a score.
        detail: a second line.
        name: a last line, such as a file's name.
    """

    thumbnail: np.ndarray[Any, Any]
    caption: str
    detail: str = ""
    name: str = ""


@dataclass(frozen=True)
class _Plan:
    """The measures of a page, in pixels."""

    size: int
    columns: int
    texts: int

    @property
    def first(self) -> int:
        """Where the steps begin, right of the first picture."""
        return MARGIN + self.size + _END_GAP

    def after(self, steps: int) -> int:
        """Where the second picture stands, right of a line of steps."""
        return self.first + steps * (self.size + GAP) - GAP + _END_GAP

    @property
    def nearest(self) -> int:
        """How far below the header of the decoded pictures that of their nearest stands."""
        return _HEADER + self.size + _BAR + 8 + _CAPTION + _ROW_GAP

    @property
    def line(self) -> int:
        """Height of a line of steps, its header among them."""
        texts = 8 + _CAPTION + self.texts * TEXT_LINE
        return self.nearest + _HEADER + self.size + texts


def draw_between(
    a: BetweenCell,
    b: BetweenCell,
    decoded: Sequence[np.ndarray[Any, Any]] | np.ndarray[Any, Any],
    nearest: Sequence[BetweenCell],
    shares: Sequence[float],
    title: str | None = None,
) -> Image.Image:
    """Draw two pictures, framed, and between them what is decoded on the way, nine steps a line.

    A bar beneath each step fills with its share of the way; below stands the gallery's nearest.

    Args:
        a: where the way begins.
        b: where it ends.
        decoded: uint8 (h, w, 3), (h, w, 1) or (h, w), a picture a step.
        nearest: the gallery's nearest picture to each step.
        shares: how much of the way is done at each step, from 0 to 1.
        title: a line above.

    Raises:
        SettingsError: no step, not as many of each, or a picture of another shape or type.
    """
    check_some(decoded, "steps")
    if not len(decoded) == len(nearest) == len(shares):
        raise SettingsError(
            f"got {len(decoded)} decoded pictures, {len(nearest)} nearest and {len(shares)} "
            "shares: wanted as many of each"
        )
    steps = list(zip((as_image(pixels) for pixels in decoded), nearest, shares, strict=True))
    lines = -(-len(steps) // _MOST)
    plan = _plan([a, b, *nearest], [image for image, _, _ in steps], -(-len(steps) // lines))
    top = heading(title)
    height = top + lines * (plan.line + _LINE_GAP) - _LINE_GAP + MARGIN
    page, draw = new_page(plan.after(plan.columns) + plan.size + MARGIN, height)
    write_title(draw, title, page.width)
    for number in range(lines):
        line = steps[number * plan.columns :][: plan.columns]
        _draw_line(page, line, plan, top)
        if number == 0:
            _draw_end(page, a, "From", plan, (MARGIN, top))
        if number == lines - 1:
            _draw_end(page, b, "To", plan, (plan.after(len(line)), top))
        top += plan.line + _LINE_GAP
    return page


def _plan(cells: Sequence[BetweenCell], decoded: Sequence[Image.Image], columns: int) -> _Plan:
    texts = max(sum(map(bool, (cell.detail, cell.name))) for cell in cells)
    images = [*decoded, *(as_image(cell.thumbnail) for cell in cells)]
    return _Plan(card_size(images, _SIZE), columns, texts)


def _draw_end(
    page: Image.Image, cell: BetweenCell, word: str, plan: _Plan, corner: tuple[int, int]
) -> None:
    left, top = corner
    draw, size = ImageDraw.Draw(page), plan.size
    write(draw, (left, top), word, width=size, size=_TEXT, colour=ACCENT, bold=True)
    top += _HEADER
    draw_framed(page, as_image(cell.thumbnail), (left, top), size)
    top += size + FRAME + 8
    write(draw, (left, top), cell.caption, width=size, size=_TEXT, bold=True)
    write_texts(draw, (cell.detail, cell.name), (left, top + _CAPTION), size)


def _draw_line(
    page: Image.Image,
    steps: Sequence[tuple[Image.Image, BetweenCell, float]],
    plan: _Plan,
    top: int,
) -> None:
    draw, left = ImageDraw.Draw(page), plan.first
    room = plan.after(len(steps)) - left
    write(draw, (left, top), "Decoded on the way", width=room, size=_TEXT, bold=True)
    below = top + plan.nearest
    write(draw, (left, below), "Nearest in the gallery", width=room, size=_TEXT, bold=True)
    for image, cell, share in steps:
        _draw_decoded(page, image, share, plan.size, (left, top + _HEADER))
        _draw_nearest(page, cell, plan.size, (left, below + _HEADER))
        left += plan.size + GAP


def _draw_decoded(
    page: Image.Image, image: Image.Image, share: float, size: int, corner: tuple[int, int]
) -> None:
    left, top = corner
    draw = ImageDraw.Draw(page)
    draw_card(page, image, corner, size)
    top += size + 1
    draw.rectangle((left, top, left + size - 1, top + _BAR - 1), fill=LINE)
    if filled := round(size * share):
        draw.rectangle((left, top, left + filled - 1, top + _BAR - 1), fill=ACCENT)
    place = (left + size, top + _BAR + 6)
    write(draw, place, f"{share:.0%}", width=size, size=_TEXT, colour=MUTED, anchor="right")


def _draw_nearest(page: Image.Image, cell: BetweenCell, size: int, corner: tuple[int, int]) -> None:
    left, top = corner
    draw = ImageDraw.Draw(page)
    draw_card(page, as_image(cell.thumbnail), corner, size)
    top += size + 8
    write(draw, (left, top), cell.caption, width=size, size=_TEXT, colour=MUTED)
    write_texts(draw, (cell.detail, cell.name), (left, top + _CAPTION), size)
