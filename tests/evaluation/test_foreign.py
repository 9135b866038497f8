from __future__ import annotations

import numpy as np
import pytest

from lookalike.evaluation import FOREIGN, foreign_pictures

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [1, 3])
def test_there_are_as_many_of_each_kind_as_pictures(channels: int):
    pictures = [RNG.integers(0, 256, (20 + n, 40, channels), np.uint8) for n in range(5)]
    before = [picture.copy() for picture in pictures]
    made = foreign_pictures(pictures, seed=3)
    assert len(made) == 5 * len(FOREIGN)
    assert {(one.shape, one.dtype.name) for one in made} == {((64, 64, channels), "uint8")}
    for one, again in zip(made, foreign_pictures(pictures, seed=3), strict=True):
        np.testing.assert_array_equal(one, again)
    assert any((a != b).any() for a, b in zip(made, foreign_pictures(pictures, 4), strict=True))
    for picture, unchanged in zip(pictures, before, strict=True):
        np.testing.assert_array_equal(picture, unchanged)


def test_each_kind_is_what_it_says():
    flat = [np.full((64, 64, 1), value, np.uint8) for value in (10, 20, 30, 40)]
    numbered = np.arange(64 * 64, dtype=np.uint32).reshape(64, 64, 1).astype(np.uint8)
    rng = np.random.default_rng(1)
    mosaic = FOREIGN["mosaic"](flat[0], flat, rng)
    quarters = [mosaic[top : top + 32, left : left + 32] for top in (0, 32) for left in (0, 32)]
    assert all(len(np.unique(quarter)) == 1 for quarter in quarters)
    assert len(np.unique(mosaic)) > 1
    shuffled = FOREIGN["shuffled"](numbered, [numbered], rng)
    np.testing.assert_array_equal(np.sort(shuffled, axis=None), np.sort(numbered, axis=None))
    assert (shuffled != numbered).any()
    negative = FOREIGN["negative"](numbered, [numbered], rng)
    np.testing.assert_array_equal(255 - negative[::-1], numbered)
    leaves = [FOREIGN["leaves"](numbered, [numbered], rng) for _ in range(2)]
    assert len(np.unique(leaves[0])) > 2
    assert (leaves[0] != leaves[1]).any()


def test_no_pictures_make_none():
    assert foreign_pictures([]) == []
