"""Candidates by products of matrices are those that sorting all scores gives."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from lookalike.gallery import ExactIndex, products
from lookalike.gallery.products import nearest_by_products


def made_up(queries: int, rows: int, width: int = 12, seed: int = 0):
    random = np.random.default_rng(seed)
    return (
        random.standard_normal((queries, width), dtype=np.float32),
        random.standard_normal((rows, width), dtype=np.float32),
    )


@pytest.fixture(params=[(1024, 2048), (7, 16)], ids=["as they are", "small blocks"])
def _blocks(request, monkeypatch):
    monkeypatch.setattr(products, "QUERIES", request.param[0])
    monkeypatch.setattr(products, "ROWS", request.param[1])
    monkeypatch.setattr(products, "SCORES", 2 * request.param[1])


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize("rows", [5, 16, 17, 301])
@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("by_distance", [False, True])
@pytest.mark.parametrize("asked", [1, 3, 4, 20])
def test_they_are_those_of_all_scores_sorted(asked, rows, count, by_distance):
    queries, gallery = made_up(asked, rows)
    halves = np.square(gallery).sum(1) / 2 if by_distance else None
    scores = queries @ gallery.T - (0 if halves is None else halves)
    places, lowest = nearest_by_products(queries, gallery, count, halves)
    wanted = np.argsort(-scores, axis=1)[:, :count]
    assert np.array_equal(np.sort(places, axis=1), np.sort(wanted, axis=1))
    np.testing.assert_allclose(lowest, np.sort(scores, axis=1)[:, -count], rtol=1e-5)


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize("order", [1, -1])
def test_rows_that_get_better_and_better_are_all_seen(order):
    rows = np.arange(1, 301, dtype=np.float32)[::order, None]
    queries = np.ones((3, 1), np.float32)
    places, lowest = nearest_by_products(queries, rows, 4)
    assert {int(rows[place, 0]) for place in places[0]} == {297, 298, 299, 300}
    assert lowest.tolist() == [297, 297, 297]


def test_all_rows_may_be_asked_for_and_no_query():
    queries, gallery = made_up(3, 9)
    places, _ = nearest_by_products(queries, gallery, 9)
    assert np.array_equal(np.sort(places, axis=1), np.tile(np.arange(9), (3, 1)))
    assert nearest_by_products(queries[:0], gallery, 2)[0].shape == (0, 2)


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize("metric", ["cosine", "inner", "euclidean"])
@pytest.mark.parametrize("spread", [1.0, 1e-18, 1e15, 1e19])
def test_many_queries_find_what_each_finds_alone(metric, spread):
    queries, gallery = made_up(100, 400)
    gallery[5:9] = gallery[0]  # equal rows tie: the first counts
    gallery *= np.float32(spread)
    queries *= np.float32(spread)
    queries[:10] = gallery[:10]
    index = ExactIndex(gallery, metric)
    together = index.search(queries, 7)
    for place in range(0, 100, 3):
        alone = index.search(queries[place : place + 1], 7)
        assert np.array_equal(together.positions[place], alone.positions[0])
        assert np.array_equal(together.scores[place], alone.scores[0])


def test_far_from_the_origin_nothing_is_missed():
    queries, gallery = made_up(70, 500, 4)
    far = np.float32(3e3)
    index = ExactIndex(gallery + far, "euclidean")
    found = index.search(queries + far, 5)
    exact = np.linalg.norm(
        (queries + far)[:, None].astype(np.float64) - (gallery + far)[None], axis=2
    )
    np.testing.assert_array_equal(np.sort(exact, axis=1)[:, :5], -found.scores)


def test_rows_beyond_float32_are_found_without_a_warning():
    queries, gallery = made_up(20, 400)
    for spread in (1e19, 1e20):
        rows = gallery * np.float32(spread)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = ExactIndex(rows, "euclidean").search(queries, 7)
        far = np.linalg.norm(queries[:, None].astype(np.float64) - rows[None], axis=2)
        assert np.array_equal(found.positions, np.argsort(far, axis=1, kind="stable")[:, :7])
