from __future__ import annotations

import numpy as np
import pytest

from lookalike.evaluation import leave_one_out
from lookalike.evaluation.ranking import _order, rank
from lookalike.types import METRICS


def ranked(gallery, queries, metric, leave_out=None):
    return np.concatenate(
        [found for _, found in rank(gallery, queries, metric, depth=1000, leave_out=leave_out)]
    )


@pytest.mark.parametrize("depth", [1, 5, 24, 25, 60, 100])
def test_partial_order_is_the_full_stable_sort(depth: int):
    random = np.random.default_rng(0)
    scores = random.integers(0, 12, (30, 100)).astype(np.float32)
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :depth]
    np.testing.assert_array_equal(_order(scores, depth), expected)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("width", [3, 16, 129])
def test_equal_embeddings_stand_in_the_gallery_s_order(metric: str, width: int):
    random = np.random.default_rng(width)
    which = random.integers(0, 23, 211)
    gallery = random.normal(1, 1, (23, width)).astype(np.float32)[which]
    gallery[::7, 0] *= -1  # some are equal but for this
    gallery[which == 3] = 0
    gallery[::2][which[::2] == 3] = -0.0
    _, which = np.unique(gallery, axis=0, return_inverse=True)
    for places in ranked(gallery, random.normal(1, 1, (50, width)).astype(np.float32), metric):
        for kind in range(which.max() + 1):
            own = places[which.reshape(-1)[places] == kind]
            assert (np.diff(own) > 0).all()
            spread = np.flatnonzero(np.isin(places, own))
            assert np.ptp(spread) + 1 == len(own) or metric != "euclidean"


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("power", [-140, -83, 66, 122])
def test_the_scale_of_the_embeddings_changes_nothing(metric: str, power: int):
    random = np.random.default_rng(2)
    rows = np.round(random.normal(2, 1, (300, 5)) * 32).astype(np.float32) / 32
    rows[::50] = 0
    scaled = np.ldexp(rows, power)
    own = np.arange(len(rows))
    np.testing.assert_array_equal(
        ranked(scaled, scaled, metric, own), ranked(rows, rows, metric, own)
    )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("factor", [1e-25, 1e20])
def test_tiny_and_huge_embeddings_have_the_same_metrics(metric: str, factor: float):
    random = np.random.default_rng(3)
    rows = random.normal(1, 1, (200, 16)).astype(np.float32)
    names = random.choice(["a", "b", "c"], 200).tolist()
    scaled = rows * np.float32(factor)
    assert leave_one_out(scaled, names, metric) == leave_one_out(rows, names, metric)


def test_a_query_far_outside_spoils_nothing():
    gallery = np.array([[1e-20, 0], [2e-20, 0], [0, 1e-20]], np.float32)
    queries = np.array([[1e30, 1e29], [0, -1e30], [1.9e-20, 0]], np.float32)
    assert ranked(gallery, queries, "euclidean").tolist() == [[1, 0, 2], [0, 1, 2], [1, 0, 2]]
    assert ranked(gallery, queries, "inner")[:, 0].tolist() == [1, 0, 1]
