"""Neighbour grids: a query and what it found."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

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
from lookalike.pictures.style import ACCENT, GAP, MARGIN, MUTED, OTHER, SAME, font

__all__ = ["GridCell", "GridRow", "Tone", "draw_grid", "most_rows"]

Tone = Literal["same", "other"]


@dataclass(frozen=True)
class GridCell:
    """One picture of a grid and what is written beneath it.

    Attributes:
        thumbnail: uint8 (h, w, 3), (h, w, 1) or (h, w), of any size.
        caption: the score of a hit ("0.934"), or the query's label; the grid adds ranks itself.
        tone: whether the hit shares the query's label; None where that is not known.
        detail: a second line, such as a label; shortened in its middle to fit.
        name: a last line, such as a file's name; shortened in its middle to fit.
    """

    thumbnail: np.ndarray[Any, Any]
    caption: str = ""
    tone: Tone | None = None
    detail: str = ""
    name: str = ""


@dataclass(frozen=True)
class GridRow:
    """A query and its hits, closest first."""

    query: GridCell
    hits: tuple[GridCell, ...]


_QUERY_GAP = 36
_BAR = 5
_RANK_LINE = 22
_ROW_GAP = 26
_HEADER = 34
_SMALL, _NORMAL = 12, 15
_NARROW = 100

# With up to so many hits: so many columns, of so many pixels.
_UP_TO = (6, 10, 100)
_COLUMNS = ((6, 168), (10, 140), (10, 112), (15, 84))
_FEWEST = 3  # columns that the header needs where all queries stand below each other
# Queries with few hits stand side by side, as many as a page of this width takes.
_WIDEST = 1700
_BLOCK_GAP = 48
# No page is much taller: viewers give up, and people too.
_TALLEST = 5000


@dataclass(frozen=True)
class _Plan:
    """The measures of a grid, in pixels."""

    columns: int
    size: int
    query: int
    lines: int
    blocks: int = 1

    @property
    def cell(self) -> int:
        """Height of a hit with its texts."""
        return self.size + _BAR + 8 + _RANK_LINE + self.lines * TEXT_LINE

    @property
    def hits(self) -> int:
        """Where the hits begin, from the left of their query."""
        return self.query + _QUERY_GAP

    @property
    def block(self) -> int:
        """Width of a query with its hits."""
        return self.hits + self.columns * (self.size + GAP) - GAP

    @property
    def width(self) -> int:
        return 2 * MARGIN + self.blocks * (self.block + _BLOCK_GAP) - _BLOCK_GAP

    def left(self, block: int) -> int:
        """Where a block begins."""
        return MARGIN + block * (self.block + _BLOCK_GAP)

    def height(self, row: GridRow) -> int:
        lines = max(1, -(-len(row.hits) // self.columns))
        query = self.query + FRAME + 8 + _RANK_LINE + self.lines * TEXT_LINE
        return max(query, lines * self.cell + (lines - 1) * GAP)


def most_rows(hits: int) -> int:
    """Return how many queries with so many hits fit a page that people still look at."""
    columns, target = _COLUMNS[bisect.bisect_left(_UP_TO, hits)]
    plan = _Plan(max(1, min(columns, hits)), target, target, lines=2)
    height = -(-max(1, hits) // plan.columns) * (plan.cell + GAP) - GAP + _ROW_GAP
    return max(1, _TALLEST // height) * _fitting_blocks(plan)


def draw_grid(
    rows: Sequence[GridRow], title: str | None = None, note: str | None = None
) -> Image.Image:
    """Draw each query, framed, with its hits beside it, closest first.

    Beneath a hit stand its rank and caption; a solid blue bar marks a hit of the query's label, a
    broken orange one a hit of another label. More than ten hits run on in further lines; several
    queries with few hits stand side by side. Pictures keep their shape; tiny ones grow by whole
    pixels, so that they stay crisp.

    Args:
        rows: the queries and their hits; a row may have no hit.
        title: a line above.
        note: a line below the title, such as that not all queries are drawn.

    Raises:
        SettingsError: no row, or a thumbnail of another shape or type.
    """
    check_some(rows, "queries")
    plan = _plan(rows)
    lines = [rows[first : first + plan.blocks] for first in range(0, len(rows), plan.blocks)]
    heights = [max(plan.height(row) for row in line) for line in lines]
    above = heading(title)
    top = above + (NOTE if note else 0) + _header_height(plan, rows)
    page, draw = new_page(plan.width, top + sum(heights) + _ROW_GAP * (len(lines) - 1) + MARGIN)
    write_title(draw, title, plan.width)
    if note:
        write_note(draw, note, above, plan.width)
    _draw_header(draw, plan, rows, top - _HEADER)
    for line, height in zip(lines, heights, strict=True):
        for block, row in enumerate(line):
            _draw_row(page, row, plan, (plan.left(block), top))
        top += height + _ROW_GAP
    return page


def _plan(rows: Sequence[GridRow]) -> _Plan:
    most = max(len(row.hits) for row in rows)
    columns, target = _COLUMNS[bisect.bisect_left(_UP_TO, most)]
    columns = max(1, min(columns, most))
    cells = [cell for row in rows for cell in (row.query, *row.hits)]
    size = card_size((as_image(cell.thumbnail) for cell in cells), target)
    wrapped = len(rows) == 1 and most > columns
    texts = max(sum(map(bool, (cell.detail, cell.name))) for cell in cells)
    plan = _Plan(columns, size, 2 * size if wrapped else size, texts)
    blocks = min(_fitting_blocks(plan), -(-len(rows) // 2))
    if blocks > 1:
        return replace(plan, blocks=blocks)
    return replace(plan, columns=max(columns, _FEWEST))


def _fitting_blocks(plan: _Plan) -> int:
    return max(1, (_WIDEST - 2 * MARGIN + _BLOCK_GAP) // (plan.block + _BLOCK_GAP))


def _tones(rows: Sequence[GridRow]) -> set[Tone]:
    return {hit.tone for row in rows for hit in row.hits if hit.tone is not None}


def _header_height(plan: _Plan, rows: Sequence[GridRow]) -> int:
    """Beside several narrow blocks' headings there is no room for the legend: it stands above."""
    return _HEADER + (NOTE if plan.blocks > 1 and _tones(rows) else 0)


def _draw_header(draw: ImageDraw.ImageDraw, plan: _Plan, rows: Sequence[GridRow], top: int) -> None:
    """Name the two columns; say what the bars mean if there are any."""
    above = top - NOTE if plan.blocks > 1 else top
    room = _draw_legend(draw, _tones(rows), (plan.width - MARGIN, above))
    for block in range(plan.blocks):
        left = plan.left(block)
        write(draw, (left, top), "Query", width=plan.query, size=_NORMAL, colour=ACCENT, bold=True)
        left += plan.hits
        right = room if plan.blocks == 1 else left + plan.block - plan.hits
        write(draw, (left, top), "Closest first", width=right - left, size=_NORMAL, bold=True)


def _draw_legend(draw: ImageDraw.ImageDraw, tones: set[Tone], corner: tuple[int, int]) -> int:
    """Write the legend so that it ends at `corner`; return where it begins."""
    right, top = corner
    names: tuple[tuple[Tone, str], ...] = (("other", "other label"), ("same", "same label"))
    for tone, name in names:
        if tone in tones:
            text = font(_NORMAL).getlength(name)
            write(draw, (right - text, top), name, width=text, size=_NORMAL, colour=MUTED)
            right -= int(text) + 44
            _draw_bar(draw, tone, (right, top + 8), 36)
            right -= 24
    return right


def _draw_row(page: Image.Image, row: GridRow, plan: _Plan, corner: tuple[int, int]) -> None:
    left, top = corner
    _draw_query(page, row.query, plan, corner)
    left += plan.hits
    for position, hit in enumerate(row.hits):
        line, column = divmod(position, plan.columns)
        place = (left + column * (plan.size + GAP), top + line * (plan.cell + GAP))
        _draw_hit(page, hit, position + 1, plan, place)
    if not row.hits:
        draw, place = ImageDraw.Draw(page), (left, top + plan.size // 2)
        write(draw, place, "no hits", width=plan.size, size=_NORMAL, colour=MUTED)


def _draw_query(page: Image.Image, query: GridCell, plan: _Plan, corner: tuple[int, int]) -> None:
    draw = ImageDraw.Draw(page)
    left, top = corner
    size = plan.query
    draw_framed(page, as_image(query.thumbnail), corner, size)
    below = top + size + FRAME + 8
    write(draw, (left, below), query.caption, width=size, size=_NORMAL, bold=True)
    write_texts(draw, (query.detail, query.name), (left, below + _RANK_LINE), size)


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
    write_texts(draw, (hit.detail, hit.name), (left, top + _RANK_LINE), plan.size)


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
