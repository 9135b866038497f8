from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.gallery import ExactIndex
from lookalike.search import expand_queries


def unit(row):
    length = np.linalg.norm(row)
    return row / length if length else row


@pytest.mark.parametrize("alpha", [0, 1, 3])
@pytest.mark.parametrize("k", [1, 5, 30, 31])
def test_cosine_is_the_papers_sum(alpha, k):
    random = np.random.default_rng(0)
    gallery = random.normal(size=(30, 6)).astype(np.float32)
    queries = random.normal(size=(4, 6)).astype(np.float32)
    index = ExactIndex(gallery, "cosine")
    got = expand_queries(index, queries, index.search(queries, k), alpha=alpha)
    for query, row in zip(queries.astype(float), got, strict=True):
        scored = sorted(((unit(query) @ unit(x), unit(x)) for x in gallery.astype(float)),
                        key=lambda pair: -pair[0])  # fmt: skip
        total = unit(query)
        for score, x in scored[:k]:
            total = total + max(score, 0) ** alpha * x if alpha else total + x
        np.testing.assert_allclose(row, unit(total), atol=1e-6)


def test_inner_weighs_by_the_largest_similarity():
    gallery = np.array([[4, 0], [2, 2], [-1, 0]], np.float32)
    index = ExactIndex(gallery, "inner")
    query = np.array([[1, 0]], np.float32)
    got = expand_queries(index, query, index.search(query, 3), alpha=1)
    np.testing.assert_allclose(got, [[(1 + 4 + 0.5 * 2) / 2.5, 0.5 * 2 / 2.5]])


def test_euclidean_has_only_the_mean():
    gallery = np.array([[1, 0], [3, 0], [90, 0]], np.float32)
    index = ExactIndex(gallery, "euclidean")
    query = np.array([[2, 3]], np.float32)
    found = index.search(query, 2)
    np.testing.assert_allclose(expand_queries(index, query, found, alpha=0), [[2, 1]])
    with pytest.raises(SettingsError, match="alpha to 0"):
        expand_queries(index, query, found, alpha=1)


@pytest.mark.parametrize("alpha", [-1, np.nan, np.inf])
def test_alpha_is_checked(alpha):
    index = ExactIndex(np.eye(2, dtype=np.float32), "cosine")
    query = np.eye(2, dtype=np.float32)
    with pytest.raises(SettingsError, match="alpha is"):
        expand_queries(index, query, index.search(query, 1), alpha=alpha)


def test_without_neighbours_a_query_stays_itself():
    index = ExactIndex(np.eye(2, dtype=np.float32), "cosine")
    query = np.array([[3, 4], [0, 0]], np.float32)
    found = index.search(query, 2, allowed=np.zeros(0, np.int64))
    np.testing.assert_allclose(expand_queries(index, query, found), [[0.6, 0.8], [0, 0]])
