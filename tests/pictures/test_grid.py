"""Neighbour grids: every hit is there, the query is framed, no text runs over."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.pictures import GridCell, GridRow, draw_grid, most_rows
from lookalike.pictures.style import ACCENT, OTHER, PAGE, SAME


def colour(number):
    """A colour of its own for each hit, far from those of the design."""
    return (number % 16 * 16 + 3, number // 16 * 16 + 5, 250)


def tile(number, size=28):
    return np.full((size, size, 3), colour(number), np.uint8)


def row(k, **cell):
    query = np.full((28, 28, 3), (9, 200, 9), np.uint8)
    return GridRow(GridCell(query, "query"), tuple(GridCell(tile(i), **cell) for i in range(k)))


def colours(image):
    return {found for _, found in image.getcolors(maxcolors=1 << 24)}


def where(image, wanted):
    return np.argwhere((np.asarray(image) == wanted).all(axis=2))


@pytest.mark.parametrize("k", [1, 5, 10, 50, 225])
def test_every_hit_is_drawn_once_in_reading_order(k):
    image = draw_grid([row(k, caption="-0.934")])
    pixels = np.asarray(image).astype(np.int32) @ (1 << 16, 1 << 8, 1)
    found, first, counts = np.unique(pixels, return_index=True, return_counts=True)
    wanted = [np.dot(colour(i), (1 << 16, 1 << 8, 1)) for i in range(k)]
    at = np.searchsorted(found, wanted)
    assert found[at].tolist() == wanted
    assert len(set(counts[at])) == 1  # all as large, none hidden in part
    corners = first[at].tolist()  # in reading order from the left upper corner
    assert corners == sorted(corners)


def test_eight_queries_with_five_hits_are_eight_lines():
    image = draw_grid([row(5)] * 8)
    tops = sorted({top for top, _ in where(image, colour(0))})
    breaks = np.diff(tops) > 1
    assert breaks.sum() == 7
    assert image.width < 1400


def test_fifty_hits_wrap_into_lines_of_a_page():
    image = draw_grid([row(50)])
    assert image.width < 1800
    assert 0.4 < image.height / image.width < 1.2


@pytest.mark.parametrize(("k", "columns"), [(1, 4), (2, 2), (3, 2), (5, 1)])
def test_queries_with_few_hits_stand_side_by_side_in_reading_order(k, columns):
    rows = [GridRow(GridCell(tile(n, 84), "q"), row(k, tone="same").hits) for n in range(16, 28)]
    image = draw_grid(rows)
    assert image.width <= 1700
    corners = [where(image, colour(n)).min(axis=0).tolist() for n in range(16, 28)]
    assert corners == sorted(corners)
    assert len({left for _, left in corners}) == columns
    assert len({top for top, _ in corners}) == 12 // columns


def test_two_queries_stay_below_each_other():
    tops, lefts = where(draw_grid([row(1)] * 2), (9, 200, 9)).T
    assert (np.diff(np.unique(tops)) > 1).sum() == 1
    assert (np.diff(np.unique(lefts)) > 1).sum() == 0


@pytest.mark.parametrize("k", [0, 1, 3, 5, 10, 50, 225])
def test_as_many_rows_as_said_make_a_page_one_can_look_at(k):
    count = most_rows(k)
    assert count >= 1
    image = draw_grid([row(k, detail="x")] * count, "title", "The first of many.")
    assert image.height <= 5200
    assert image.width <= 1800


def test_a_note_is_written_above_the_queries():
    plain, noted = draw_grid([row(3)]), draw_grid([row(3)], note="The first 3 of 90 queries.")
    shift = noted.height - plain.height
    assert shift > 15
    assert (np.asarray(noted)[32 : 32 + shift] != PAGE).any()
    assert np.array_equal(np.asarray(noted)[-200:], np.asarray(plain)[-200:])


def test_the_query_is_framed_in_the_accent():
    image = draw_grid([row(3)])
    query = where(image, (9, 200, 9))
    (top, left), (bottom, right) = query.min(axis=0), query.max(axis=0)
    for y, x in [(top - 2, left), (bottom + 2, right), (top, left - 2), (bottom, right + 2)]:
        assert image.getpixel((int(x), int(y))) == ACCENT
    assert where(image, colour(0)).min(axis=0)[1] > right


@pytest.mark.parametrize(("tone", "mark", "share"), [("same", SAME, 1.0), ("other", OTHER, 0.5)])
def test_a_tone_has_a_colour_and_a_shape(tone, mark, share):
    image = draw_grid([row(4, tone=tone)])
    tile_width = np.ptp(where(image, colour(0))[:, 1]) + 1
    marks = where(image, mark)
    below = marks[marks[:, 0] > where(image, colour(0))[:, 0].max()]
    line = below[below[:, 0] == below[0, 0]]
    assert len(line) == pytest.approx(4 * tile_width * share, rel=0.05)


def test_without_tones_there_is_no_mark():
    assert not {SAME, OTHER} & colours(draw_grid([row(4, caption="0.9")]))


def test_label_and_file_name_take_a_line_each():
    bare, one, two = (draw_grid([row(4, **texts)]).height for texts in
                      ({}, {"name": "a.png"}, {"detail": "cat", "name": "a.png"}))  # fmt: skip
    assert two - one == one - bare > 10


def test_long_texts_do_not_leave_their_cell():
    plain = draw_grid([row(6, caption="0.9", detail="x")])
    long = draw_grid(
        [row(6, caption="0.9" * 40, detail="folder/" * 40, name="a-" * 90)], title="title " * 80
    )
    assert long.width == plain.width
    pixels = np.asarray(long)
    first = [where(plain, colour(i))[:, 1] for i in range(6)]
    lower = where(long, colour(0))[:, 0].max() + 1
    for left, right in itertools.pairwise(first):
        gap = pixels[lower : lower + 60, left.max() + 2 : right.min() - 1]
        assert (gap == PAGE).all()
    assert (pixels[:, -20:] == PAGE).all()


def test_a_query_without_hits_is_shown():
    image = draw_grid([GridRow(GridCell(tile(1)), ())])
    assert colour(1) in colours(image)


def test_wide_and_large_pictures_keep_their_shape():
    wide = GridCell(np.full((100, 400, 3), (250, 10, 10), np.uint8))
    found = where(draw_grid([GridRow(wide, (wide,))]), (250, 10, 10))
    widths, heights = np.ptp(found[:, 1]) + 1, np.ptp(found[:, 0]) + 1
    assert widths > 3 * heights


def test_the_same_rows_give_the_same_bytes():
    rows = [row(7, caption="0.5", tone="same", detail="a/b.png")]
    assert draw_grid(rows).tobytes() == draw_grid(rows).tobytes()


def test_nothing_to_draw_is_an_error():
    with pytest.raises(SettingsError, match="got no queries"):
        draw_grid([])
