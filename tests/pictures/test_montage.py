"""Montages: every thumbnail, in order, in the columns asked for."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.pictures import draw_montage


def tiles(count):
    return [np.full((28, 28), number + 1, np.uint8) for number in range(count)]


def places(image, count):
    pixels = np.asarray(image)
    grey = np.ptp(pixels, axis=2) == 0  # the tiles, and the page; not the borders
    found, first = np.unique(np.where(grey, pixels[:, :, 0], 0), return_index=True)
    at = np.searchsorted(found, np.arange(count) + 1)
    assert found[at].tolist() == list(range(1, count + 1))
    return [divmod(corner, image.width) for corner in first[at].tolist()]


def test_the_digits_montage_is_fifteen_by_fifteen():
    image = draw_montage(tiles(225))
    found = places(image, 225)
    assert found == sorted(found)
    assert len({top for top, _ in found}) == len({left for _, left in found}) == 15
    assert abs(image.width - image.height) < 20


@pytest.mark.parametrize(("count", "columns", "lines"), [(1, 5, 1), (7, 3, 3), (10, 10, 1)])
def test_columns(count, columns, lines):
    found = places(draw_montage(tiles(count), columns, "title"), count)
    assert len({top for top, _ in found}) == lines
    assert len({left for _, left in found}) == min(count, columns)


@pytest.mark.parametrize(("count", "columns"), [(0, None), (3, 0)])
def test_nothing_and_no_columns_are_errors(count, columns):
    with pytest.raises(SettingsError):
        draw_montage(tiles(count), columns)
