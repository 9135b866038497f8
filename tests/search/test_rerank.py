from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.gallery import ExactIndex, Neighbours
from lookalike.search import k_reciprocal, reorder


def published(query, gallery, metric, k1, k2, original):
    """Zhong et al. (2017), sets as Python sets; d* from the query to every gallery picture."""
    rows = np.concatenate([query[None], gallery]).astype(float)
    if metric == "cosine":
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    n = len(rows)
    d = np.array([[((rows[i] - rows[j]) ** 2).sum() for j in range(n)] for i in range(n)])
    d /= d.max(axis=1, keepdims=True)
    rank = [sorted(range(n), key=lambda j, i=i: (j != i, d[i, j])) for i in range(n)]

    def reciprocal(i, k):  # equation 3; a member is its own first neighbour
        return {j for j in rank[i][: k + 1] if i in rank[j][: k + 1]}

    encoded = np.zeros((n, n))
    for i in range(n):
        own = reciprocal(i, k1)
        extended = set(own)
        for candidate in own:  # equation 4
            half = reciprocal(candidate, round(k1 / 2))
            if 3 * len(own & half) >= 2 * len(half):
                extended |= half
        for j in extended:  # equation 7
            encoded[i, j] = np.exp(-d[i, j])
        encoded[i] /= encoded[i].sum()
    encoded = np.array([encoded[rank[i][:k2]].mean(axis=0) for i in range(n)])  # equation 11
    jaccard = [
        1 - np.minimum(encoded[0], encoded[j]).sum() / np.maximum(encoded[0], encoded[j]).sum()
        for j in range(1, n)
    ]  # equation 10
    return (1 - original) * np.array(jaccard) + original * d[0, 1:]  # equation 12


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize(
    ("k1", "k2", "original"), [(6, 3, 0.3), (20, 6, 0.3), (3, 1, 0), (90, 9, 1)]
)
def test_over_the_whole_gallery_it_is_the_published_definition(metric, k1, k2, original):
    random = np.random.default_rng(0)
    centres = 2 * random.normal(size=(4, 5))
    gallery = (centres[random.integers(0, 4, 60)] + random.normal(size=(60, 5))).astype(np.float32)
    queries = (centres[:3] + random.normal(size=(3, 5))).astype(np.float32)
    index = ExactIndex(gallery, metric)
    found = k_reciprocal(index, queries, index.search(queries, 60), depth=99, k1=k1, k2=k2,
                         original=original)  # fmt: skip
    for number, query in enumerate(queries):
        reference = published(query, gallery, metric, k1, k2, original)
        scores = 1 - reference if metric == "cosine" else -reference
        np.testing.assert_allclose(found.scores[number], np.sort(scores)[::-1], atol=1e-6)
        np.testing.assert_allclose(found.scores[number], scores[found.positions[number]], atol=1e-6)


def test_with_a_depth_it_is_the_definition_over_the_first_alone():
    random = np.random.default_rng(1)
    gallery = random.normal(size=(80, 4)).astype(np.float32)
    query = random.normal(size=(1, 4)).astype(np.float32)
    index = ExactIndex(gallery, "cosine")
    plain = index.search(query, 80)
    found = k_reciprocal(index, query, plain, depth=30, k1=8, k2=3)
    first = plain.positions[0, :30]
    reference = 1 - published(query[0], gallery[first], "cosine", 8, 3, 0.3)
    np.testing.assert_allclose(found.scores[0, :30], np.sort(reference)[::-1], atol=1e-6)
    assert set(found.positions[0, :30]) == set(first)
    np.testing.assert_array_equal(found.positions[0, 30:], plain.positions[0, 30:])
    assert (np.diff(found.scores[0]) <= 0).all()
    np.testing.assert_allclose(np.diff(found.scores[0, 30:]), np.diff(plain.scores[0, 30:]))


def test_one_picture_copies_and_empty_places():
    query = np.array([[1, 0]], np.float32)
    one = ExactIndex(np.array([[1, 1]], np.float32), "cosine")
    assert k_reciprocal(one, query, one.search(query, 5)).positions.tolist() == [[0]]
    copies = ExactIndex(np.ones((7, 2), np.float32), "euclidean")
    found = k_reciprocal(copies, query, copies.search(query, 7), k1=3, k2=2)
    assert sorted(found.positions[0]) == list(range(7))
    assert np.isfinite(found.scores).all()
    same = k_reciprocal(copies, np.ones((1, 2), np.float32), copies.search(query, 7))
    assert same.positions.tolist() == [list(range(7))]
    few = copies.search(query, 4, allowed=np.array([2, 5]))
    found = k_reciprocal(copies, query, few)
    assert sorted(found.positions[0, :2]) == [2, 5]
    assert found.positions[0, 2:].tolist() == [-1, -1]
    assert np.isneginf(found.scores[0, 2:]).all()


def test_what_follows_the_first_stays_below_them():
    found = Neighbours(np.array([[0.9, 0.8, 0.7, 0.5, -np.inf]]), np.array([[4, 2, 7, 1, -1]]))
    new = reorder(found, [np.array([0.1, 0.3])])
    assert new.positions.tolist() == [[2, 4, 7, 1, -1]]
    np.testing.assert_allclose(new.scores, [[0.3, 0.1, 0.1, -0.1, -np.inf]])
    np.testing.assert_allclose(found.scores[0, 0], 0.9)


@pytest.mark.parametrize("wrong", [{"k1": 0}, {"k2": 0}, {"original": 1.1}, {"depth": 0}])
def test_settings_are_checked(wrong):
    index = ExactIndex(np.eye(2, dtype=np.float32), "cosine")
    query = np.eye(2, dtype=np.float32)
    with pytest.raises(SettingsError, match="wanted"):
        k_reciprocal(index, query, index.search(query, 2), **wrong)


def test_the_inner_product_is_no_distance():
    index = ExactIndex(np.eye(2, dtype=np.float32), "inner")
    query = np.eye(2, dtype=np.float32)
    with pytest.raises(SettingsError, match="needs the metric cosine or euclidean, got inner"):
        k_reciprocal(index, query, index.search(query, 2))
