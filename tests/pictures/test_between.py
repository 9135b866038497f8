"""Two pictures and the steps between them."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.pictures import BetweenCell, draw_between
from lookalike.pictures.style import ACCENT


def tile(value: int) -> np.ndarray:
    return np.full((28, 28, 3), (value, 0, 255 - value), np.uint8)


def cell(value: int, **texts: str) -> BetweenCell:
    return BetweenCell(tile(value), "0.9", **texts)


def draw(steps: int, **options):
    shares = [step / max(1, steps - 1) for step in range(steps)]
    decoded = [tile(10 + step) for step in range(steps)]
    nearest = [cell(100 + step) for step in range(steps)]
    return draw_between(cell(200), cell(201), decoded, nearest, shares, **options)


def box(image, value):
    found = np.argwhere((np.asarray(image) == (value, 0, 255 - value)).all(axis=2))
    return found.min(axis=0), found.max(axis=0)


@pytest.mark.parametrize(("steps", "lines"), [(2, 1), (7, 1), (9, 1), (11, 2), (28, 4)])
def test_the_steps_stand_between_the_two_and_above_their_nearest(steps: int, lines: int):
    image = draw(steps, title="title")
    first, last = box(image, 200), box(image, 201)
    tops, columns = [], []
    for step in range(steps):
        (top, left), (bottom, right) = box(image, 10 + step)
        (near_top, near_left), (_, near_right) = box(image, 100 + step)
        assert (left, right) == (near_left, near_right)
        assert 20 < near_top - bottom < 100
        assert left > first[1][1] + 20
        tops.append(int(top))
        columns.append(int(left))
    assert tops == sorted(tops)
    assert len(set(tops)) == lines
    assert (first[0][0], last[0][0]) == (tops[0], tops[-1])
    assert last[0][1] > columns[-1] + 100


def test_the_bars_fill_with_the_way():
    image = draw(5)
    pixels = np.asarray(image)
    filled = []
    for step in range(5):
        (_, left), (bottom, right) = box(image, 10 + step)
        bar = pixels[bottom + 4, left : right + 1]
        filled.append(float((bar == ACCENT).all(axis=1).mean()))
    assert filled == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=0.01)


def test_the_words_are_written():
    decoded, shares = [tile(1), tile(2)], [0.0, 1.0]
    plain = draw_between(cell(3), cell(4), decoded, [cell(5), cell(6)], shares)
    named = draw_between(cell(3, name="a.png"), cell(4), decoded, [cell(5), cell(6)], shares)
    assert named.height > plain.height


def test_lengths_must_agree():
    with pytest.raises(SettingsError, match="got no steps"):
        draw(0)
    with pytest.raises(SettingsError, match="1 decoded pictures, 2 nearest and 1 shares"):
        draw_between(cell(1), cell(2), [tile(3)], [cell(4), cell(5)], [0.0])
