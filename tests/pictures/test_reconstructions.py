"""Reconstructions stand below their originals."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.pictures import draw_reconstructions


def batch(values, size=28, channels=1):
    return np.stack([np.full((size, size, channels), value, np.uint8) for value in values])


def box(image, value):
    found = np.argwhere((np.asarray(image) == value).all(axis=2))
    return found.min(axis=0), found.max(axis=0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("count", [1, 10, 14])
def test_each_reconstruction_is_right_below_its_original(count, channels):
    originals, copies = range(1, count + 1), range(101, count + 101)
    image = draw_reconstructions(
        batch(originals, channels=channels),
        batch(copies, channels=channels),
        "title",
        [0.25] * count,
    )
    for original, copy in zip(originals, copies, strict=True):
        (top, left), (bottom, right) = box(image, original)
        (copy_top, copy_left), (_, copy_right) = box(image, copy)
        assert (left, right) == (copy_left, copy_right)
        assert 0 < copy_top - bottom < 60
        assert bottom - top == right - left > 100


def test_the_errors_are_written():
    args = batch([50]), batch([60])
    low, high = draw_reconstructions(*args), draw_reconstructions(*args, errors=[0.0123])
    assert high.height > low.height
    assert high.tobytes() != draw_reconstructions(*args, errors=[0.0124]).tobytes()


def test_shapes_must_agree():
    with pytest.raises(SettingsError, match="differ in shape"):
        draw_reconstructions(batch([1]), batch([1, 2]))
    with pytest.raises(SettingsError, match="1 errors for 2"):
        draw_reconstructions(batch([1, 2]), batch([1, 2]), errors=[0.1])
    with pytest.raises(SettingsError, match="got no originals"):
        draw_reconstructions(np.zeros((0, 8, 8, 1), np.uint8), np.zeros((0, 8, 8, 1), np.uint8))
