"""Every picture's nearest others: exact for few, nearly so for many."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.gallery import ExactIndex, close_neighbours


def jittered(count: int, width: int = 24) -> np.ndarray:
    """Pictures in kinds, every fifth a near copy of the one before it."""
    rng = np.random.default_rng(0)
    kinds = rng.normal(size=(20, width))
    rows = kinds[rng.integers(20, size=count)] + 0.7 * rng.normal(size=(count, width))
    rows[4::5] = rows[3::5][: len(rows[4::5])] + 0.02 * rng.normal(size=(len(rows[4::5]), width))
    return rows.astype(np.float32)


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "inner"])
def test_few_pictures_are_compared_with_all(metric):
    rows = jittered(2100)
    expected = ExactIndex(rows, metric).search(rows, 5, exclude=np.arange(len(rows)))
    start = 0
    for place, near in close_neighbours(rows, metric, 5):
        assert place == start
        stop = start + len(near.scores)
        np.testing.assert_array_equal(near.positions, expected.positions[start:stop])
        np.testing.assert_array_equal(near.scores, expected.scores[start:stop])
        start = stop
    assert start == len(rows)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_of_many_no_near_copy_is_missed(metric):
    rows = jittered(6000)
    expected = ExactIndex(rows, metric).search(rows, 4, exclude=np.arange(len(rows)))
    blocks = [near for _, near in close_neighbours(rows, metric, 4, exact=1000)]
    positions = np.concatenate([near.positions for near in blocks])
    scores = np.concatenate([near.scores for near in blocks])
    copies = np.arange(4, len(rows), 5)
    np.testing.assert_array_equal(positions[copies, 0], copies - 1)
    np.testing.assert_array_equal(positions[copies - 1, 0], copies)
    assert (positions == expected.positions).mean() > 0.9
    same = positions == expected.positions
    np.testing.assert_array_equal(scores[same], expected.scores[same])
    assert not (positions == np.arange(len(rows))[:, None]).any()
    again = [near.positions for _, near in close_neighbours(rows, metric, 4, exact=1000)]
    np.testing.assert_array_equal(np.concatenate(again), positions)


def test_inner_products_are_compared_with_all():
    rows = jittered(1500)
    expected = ExactIndex(rows, "inner").search(rows, 3, exclude=np.arange(len(rows)))
    found = [near.positions for _, near in close_neighbours(rows, "inner", 3, exact=10)]
    np.testing.assert_array_equal(np.concatenate(found), expected.positions)


def test_one_picture_has_no_others():
    assert list(close_neighbours(jittered(1), "cosine", 3)) == []
    ((start, near),) = close_neighbours(jittered(2), "cosine", 3)
    assert start == 0
    assert near.positions.tolist() == [[1], [0]]


def test_equal_embeddings():
    rows = np.zeros((3000, 8), np.float32)
    blocks = [near.positions for _, near in close_neighbours(rows, "cosine", 3, exact=100)]
    assert np.concatenate(blocks).shape == (3000, 3)
