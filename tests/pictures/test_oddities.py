"""Odd pictures stand beside what is made of them."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.pictures import OddPicture, draw_oddities


def tile(value: int, size: int = 28) -> np.ndarray:
    return np.full((size, size, 3), (value, 0, 255 - value), np.uint8)


def odd(rank: int, caption: str = "9.9 × median", **texts: str) -> OddPicture:
    return OddPicture(tile(rank), tile(rank + 100), rank=rank, caption=caption, **texts)


def box(image, value):
    found = np.argwhere((np.asarray(image) == (value, 0, 255 - value)).all(axis=2))
    return found.min(axis=0), found.max(axis=0)


@pytest.mark.parametrize("count", [1, 4, 5, 13])
def test_each_reconstruction_is_right_of_its_original(count: int):
    image = draw_oddities([odd(rank) for rank in range(1, count + 1)], "title")
    corners = []
    for rank in range(1, count + 1):
        (top, left), (bottom, right) = box(image, rank)
        (copy_top, copy_left), (copy_bottom, copy_right) = box(image, rank + 100)
        assert (top, bottom) == (copy_top, copy_bottom)
        assert 0 < copy_left - right < 12
        assert bottom - top == right - left == copy_right - copy_left > 100
        corners.append((int(top), int(left)))
    assert corners == sorted(corners)  # line by line
    assert len({top for top, _ in corners}) == -(-count // 5)


def test_the_words_are_written():
    plain = draw_oddities([odd(1)])
    assert draw_oddities([odd(1, caption="9.8 × median")]).tobytes() != plain.tobytes()
    assert (
        draw_oddities([odd(1, detail="cat")]).height
        < draw_oddities([odd(1, detail="cat", name="a.png")]).height
    )
    assert draw_oddities([odd(1)], title="a longer title " * 9).width > plain.width


def test_nothing_is_not_drawn():
    with pytest.raises(SettingsError, match="got no pictures"):
        draw_oddities([])
