"""Clusters of pictures: a row each, its average first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from lookalike.pictures.canvas import (
    FRAME,
    NOTE,
    TEXT_LINE,
    as_image,
    card_size,
    check_some,
    draw_card,
    draw_framed,
    heading,
    new_page,
    write,
    write_note,
    write_texts,
    write_title,
)
from lookalike.pictures.style import ACCENT, GAP, MARGIN, MUTED

__all__ = ["ClusterCell", "ClusterRow", "draw_clusters"]

_SIZE = 140
_HEADER = 34
_APART = 24  # between the average, the words and the members
_WORDS = 132
_TEXT, _SMALL = 15, 14
_LINE = 22
_ROW_GAP = 22
_FEWEST = 4  # columns that title and note need


@dataclass(frozen=True)
class ClusterCell:
    """One picture of a cluster.

    Attributes:
        thumbnail: uint8 (h, w, 3), (h, w, 1) or (h, w), of any size.
        caption: what is written beneath it, such as its label.
    """

    thumbnail: np.ndarray[Any, Any]
    caption: str = ""


@dataclass(frozen=True)
class ClusterRow:
    """One cluster.

    Attributes:
        average: uint8 (h, w, 3), (h, w, 1) or (h, w); None where there is none.
        caption: such as how many pictures it holds.
        texts: more lines; empty ones are left out.
        members: its pictures, the most central first.
    """

    average: np.ndarray[Any, Any] | None
    caption: str
    texts: tuple[str, ...]
    members: tuple[ClusterCell, ...]


def draw_clusters(
    rows: Sequence[ClusterRow], title: str | None = None, note: str | None = None
) -> Image.Image:
    """Draw a row for each cluster: its average, framed, its words and its most central pictures.

    Args:
        rows: the clusters.
        title: a line above.
        note: a line below the title, such as why there are no averages.

    Raises:
        SettingsError: no row, or a picture of another shape or type.
    """
    check_some(rows, "clusters")
    plan = _plan(rows)
    top = heading(title) + (NOTE if note else 0) + _HEADER
    page, draw = new_page(plan.width, top + len(rows) * (plan.row + _ROW_GAP) - _ROW_GAP + MARGIN)
    write_title(draw, title, plan.width)
    if note:
        write_note(draw, note, heading(title), plan.width)
    _draw_header(draw, plan, top - _HEADER)
    for row in rows:
        _draw_row(page, row, plan, top)
        top += plan.row + _ROW_GAP
    return page


@dataclass(frozen=True)
class _Plan:
    """The measures of a page, in pixels."""

    size: int
    averages: bool
    columns: int
    captions: bool

    @property
    def words(self) -> int:
        """Where the words begin, beside the average if there is one."""
        return MARGIN + (self.size + _APART if self.averages else 0)

    @property
    def members(self) -> int:
        return self.words + _WORDS + _APART

    @property
    def row(self) -> int:
        """Height of a row."""
        return max(self.size + FRAME, self.size + (8 + TEXT_LINE if self.captions else 0))

    @property
    def width(self) -> int:
        return self.members + max(self.columns, _FEWEST) * (self.size + GAP) - GAP + MARGIN


def _plan(rows: Sequence[ClusterRow]) -> _Plan:
    averages = [as_image(row.average) for row in rows if row.average is not None]
    cells = [cell for row in rows for cell in row.members]
    size = card_size([*averages, *(as_image(cell.thumbnail) for cell in cells)], _SIZE)
    columns = max(len(row.members) for row in rows)
    return _Plan(size, bool(averages), columns, any(cell.caption for cell in cells))


def _draw_header(draw: ImageDraw.ImageDraw, plan: _Plan, top: int) -> None:
    if plan.averages:
        place = (MARGIN, top)
        write(draw, place, "Average", width=plan.size, size=_TEXT, colour=ACCENT, bold=True)
    room = plan.width - plan.members - MARGIN
    place = (plan.members, top)
    write(draw, place, "Most central first", width=room, size=_TEXT, bold=True)


def _draw_row(page: Image.Image, row: ClusterRow, plan: _Plan, top: int) -> None:
    draw = ImageDraw.Draw(page)
    if row.average is not None:
        draw_framed(page, as_image(row.average), (MARGIN, top), plan.size)
    write(draw, (plan.words, top), row.caption, width=_WORDS, size=_TEXT, bold=True)
    for number, text in enumerate(filter(None, row.texts), start=1):
        place = (plan.words, top + number * _LINE + 4)
        write(draw, place, text, width=_WORDS, size=_SMALL, colour=MUTED)
    left = plan.members
    for cell in row.members:
        draw_card(page, as_image(cell.thumbnail), (left, top), plan.size)
        write_texts(draw, (cell.caption,), (left, top + plan.size + 8), plan.size)
        left += plan.size + GAP
