"""Neighbour grids: a query and what it found."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw

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
from lookalike.pictures.style import ACCENT, GAP, MARGIN, MUTED, OTHER, SAME, font

__all__ = ["GridCell", "GridRow", "Tone", "draw_grid"]

Tone = Literal["same", "other"]


@dataclass(frozen=True)
class GridCell:
    """One picture of a grid and what is written beneath it.

    Attributes:
        thumbnail: uint8 (h, w, 3), (h, w, 1) or (h, w), of any size.
        caption: the score of a hit ("0.934"), or the query's label; the grid adds ranks itself.
        tone: whether the hit shares the query's label; None where that is not known.
        detail: a second line, such as a path; shortened in its middle to fit.
    """

    thumbnail: np.ndarray[Any, Any]
    caption: str = ""
    tone: Tone | None = None
    detail: str = ""


@dataclass(frozen=True)
class GridRow:
    """A query and its hits, closest first."""

    query: GridCell
    hits: tuple[GridCell, ...]


_QUERY_GAP = 36
_FRAME = 5
_BAR = 5
_RANK_LINE = 22
_DETAIL_LINE = 18
_ROW_GAP = 26
_HEADER = 34
_SMALL, _NORMAL = 12, 15
_NARROW = 100

# With up to so many hits: so many columns, of so many pixels.
_UP_TO = (6, 10, 100)
_COLUMNS = ((6, 168), (10, 140), (10, 112), (15, 84))
_FEWEST = 3  # columns that the header needs


@dataclass(frozen=True)
class _Plan:
    """The measures of a grid, in pixels."""

    columns: int
    size: int
    query: int
    detail: bool

    @property
    def cell(self) -> int:
        """Height of a hit with its texts."""
        return self.size + _BAR + 8 + _RANK_LINE + (_DETAIL_LINE if self.detail else 0)

    @property
    def left(self) -> int:
        """Where the hits begin."""
        return MARGIN + self.query + _QUERY_GAP

    @property
    def width(self) -> int:
        return self.left + self.columns * (self.size + GAP) - GAP + MARGIN

    def height(self, row: GridRow) -> int:
        lines = max(1, -(-len(row.hits) // self.columns))
        query = self.query + _FRAME + 8 + _RANK_LINE + (_DETAIL_LINE if self.detail else 0)
        return max(query, lines * self.cell + (lines - 1) * GAP)


def draw_grid(rows: Sequence[GridRow], title: str | None = None) -> Image.Image:
    """Draw each query, framed, with its hits beside it, closest first.

    Beneath a hit stand its rank and caption; a solid blue bar marks a hit of the query's label, a
    broken orange one a hit of another label. More than ten hits run on in further lines. Pictures
    keep their shape; small ones grow by whole pixels, so that they stay crisp.

    Args:
        rows: the queries and their hits; a row may have no hit.
        title: a line above.

    Raises:
        SettingsError: no row, or a thumbnail of another shape or type.
    """
    check_some(rows, "queries")
    plan = _plan(rows)
    heights = [plan.height(row) for row in rows]
    top = heading(title) + _HEADER
    page, draw = new_page(plan.width, top + sum(heights) + _ROW_GAP * (len(rows) - 1) + MARGIN)
    write_title(draw, title, plan.width)
    _draw_header(draw, plan, rows, top - _HEADER)
    for row, height in zip(rows, heights, strict=True):
        _draw_query(page, row.query, plan, top)
        for position, hit in enumerate(row.hits):
            line, column = divmod(position, plan.columns)
            place = (plan.left + column * (plan.size + GAP), top + line * (plan.cell + GAP))
            _draw_hit(page, hit, position + 1, plan, place)
        if not row.hits:
            place = (plan.left, top + plan.size // 2)
            write(draw, place, "no hits", width=plan.size, size=_NORMAL, colour=MUTED)
        top += height + _ROW_GAP
    return page


def _plan(rows: Sequence[GridRow]) -> _Plan:
    most = max(len(row.hits) for row in rows)
    columns, target = _COLUMNS[bisect.bisect_left(_UP_TO, most)]
    columns = max(min(columns, most), _FEWEST)
    cells = [cell for row in rows for cell in (row.query, *row.hits)]
    size = card_size((as_image(cell.thumbnail) for cell in cells), target)
    wrapped = len(rows) == 1 and most > columns
    return _Plan(columns, size, 2 * size if wrapped else size, any(cell.detail for cell in cells))


def _draw_header(draw: ImageDraw.ImageDraw, plan: _Plan, rows: Sequence[GridRow], top: int) -> None:
    """Name the two columns; say what the bars mean if there are any."""
    write(draw, (MARGIN, top), "Query", width=plan.query, size=_NORMAL, colour=ACCENT, bold=True)
    tones = {hit.tone for row in rows for hit in row.hits}
    right = plan.width - MARGIN
    for tone, name in (("other", "other label"), ("same", "same label")):
        if tone in tones:
            text = font(_NORMAL).getlength(name)
            write(draw, (right - text, top), name, width=text, size=_NORMAL, colour=MUTED)
            right -= int(text) + 44
            _draw_bar(draw, tone, (right, top + 8), 36)
            right -= 24
    room = right - plan.left
    write(draw, (plan.left, top), "Closest first", width=room, size=_NORMAL, bold=True)


def _draw_query(page: Image.Image, query: GridCell, plan: _Plan, top: int) -> None:
    draw = ImageDraw.Draw(page)
    size, outer = plan.query, _FRAME
    frame = (MARGIN - outer, top - outer, MARGIN + size + outer - 1, top + size + outer - 1)
    draw.rectangle(frame, fill=ACCENT)
    draw_card(page, as_image(query.thumbnail), (MARGIN, top), size)
    below = top + size + outer + 8
    write(draw, (MARGIN, below), query.caption, width=size, size=_NORMAL, bold=True)
    below += _RANK_LINE
    write(draw, (MARGIN, below), query.detail, width=size, size=_SMALL, colour=MUTED)


def _draw_hit(
    page: Image.Image, hit: GridCell, rank: int, plan: _Plan, place: tuple[int, int]
) -> None:
    draw = ImageDraw.Draw(page)
    left, top = place
    draw_card(page, as_image(hit.thumbnail), place, plan.size)
    top += plan.size
    _draw_bar(draw, hit.tone, (left, top), plan.size)
    top += _BAR + 8
    size = _NORMAL if plan.size > _NARROW else _SMALL
    write(draw, (left, top), str(rank), width=plan.size, size=size, bold=True)
    room = plan.size - font(size, bold=True).getlength(str(rank)) - 6
    right = (left + plan.size, top)
    write(draw, right, hit.caption, width=room, size=size, colour=MUTED, anchor="right")
    below = (left, top + _RANK_LINE)
    write(draw, below, hit.detail, width=plan.size, size=_SMALL, colour=MUTED)


def _draw_bar(
    draw: ImageDraw.ImageDraw, tone: str | None, place: tuple[int, int], width: int
) -> None:
    """Draw a solid bar for "same", a broken one for "other": colour never speaks alone."""
    left, top = place
    bottom = top + _BAR - 1
    if tone == "same":
        draw.rectangle((left, top, left + width - 1, bottom), fill=SAME)
    if tone == "other":
        for start in range(left, left + width, 12):
            draw.rectangle((start, top, min(start + 6, left + width) - 1, bottom), fill=OTHER)
