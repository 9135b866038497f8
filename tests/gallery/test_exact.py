from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from lookalike.errors import QueryError
from lookalike.gallery import ExactIndex, scan
from lookalike.types import METRICS


def brute_force(vectors, queries, metric, k, allowed=None, exclude=None):
    """The slow reference: every score in float64, sorted by score, then by place."""
    vectors, queries = vectors.astype(np.float64), queries.astype(np.float64)
    answers = []
    for number, query in enumerate(queries):
        scored = []
        for place in range(len(vectors)) if allowed is None else sorted(set(allowed)):
            if exclude is not None and exclude[number] == place:
                continue
            if metric == "euclidean":
                score = -np.sqrt(((vectors[place] - query) ** 2).sum())
            else:
                score = vectors[place] @ query
                if metric == "cosine":
                    lengths = np.linalg.norm(vectors[place]) * np.linalg.norm(query)
                    score = score / lengths if lengths else 0.0
            scored.append((-score, place))
        answers.append(sorted(scored)[:k])
    return answers


def assert_same(found, expected, tolerance=1e-9):
    """Same scores at every rank, and every place has the score of its rank: ties may swap."""
    for scores, places, wanted in zip(found.scores, found.positions, expected, strict=True):
        count = (places >= 0).sum()
        assert count == len(wanted)
        reference = [-score for score, _ in wanted]
        np.testing.assert_allclose(scores[:count], reference, rtol=tolerance, atol=tolerance)
        assert len(set(places[:count])) == count
        for rank, (score, place) in enumerate(wanted):
            alone = sum(abs(score - other) <= 10 * tolerance for other, _ in wanted) == 1
            if alone and rank < len(wanted) - 1:
                assert places[rank] == place
        assert (places[count:] == -1).all()
        assert np.isneginf(scores[count:]).all()


@pytest.mark.parametrize("metric", METRICS)
def test_every_k_with_and_without_a_filter(metric):
    random = np.random.default_rng(1)
    vectors = random.normal(size=(60, 5)).astype(np.float32)
    queries = random.normal(size=(4, 5)).astype(np.float32)
    allowed = np.array([3, 8, 9, 21, 22, 40, 59])
    exclude = np.array([3, -1, 9, 0])
    index = ExactIndex(vectors, metric)
    for k in range(1, 62):
        assert_same(index.search(queries, k), brute_force(vectors, queries, metric, k))
        found = index.search(queries, k, allowed=allowed, exclude=exclude)
        assert_same(found, brute_force(vectors, queries, metric, k, allowed, exclude))


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(METRICS))
def test_ties_come_in_the_gallery_s_order(data, metric):
    count = data.draw(st.integers(1, 120))
    seed = data.draw(st.integers(0, 10_000))
    random = np.random.default_rng(seed)
    vectors = random.integers(-2, 3, (count, 2)).astype(np.float32)
    queries = random.integers(-2, 3, (3, 2)).astype(np.float32)
    k = data.draw(st.integers(1, count + 1))
    found = ExactIndex(vectors, metric).search(queries, k)
    for places, scores in zip(found.positions, found.scores, strict=True):
        for rank in range(1, len(places)):
            if scores[rank] == scores[rank - 1]:
                assert places[rank] > places[rank - 1]
    assert_same(found, brute_force(vectors, queries, metric, k))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("offset", "spread"), [(1e4, 1e-2), (0, 1e-3), (1e3, 1e3)])
def test_rounding_in_float32_hides_no_neighbour(metric, offset, spread):
    random = np.random.default_rng(2)
    vectors = (offset + spread * random.normal(size=(3000, 16))).astype(np.float32)
    queries = (offset + spread * random.normal(size=(30, 16))).astype(np.float32)
    found = ExactIndex(vectors, metric).search(queries, 10)
    assert_same(found, brute_force(vectors, queries, metric, 10), tolerance=1e-13)


def test_candidates_are_asked_for_until_none_can_be_missed(monkeypatch):
    # Rows that differ by less than float32 can tell from the query's point of view.
    vectors = np.full((4000, 8), 1000, np.float32)
    vectors[:, 0] += np.arange(4000, dtype=np.float32)[::-1] * 1e-4
    vectors[0] = -1000  # pulls the centre away
    asked = []
    original = scan.nearest_by_products

    def spy(queries, rows, count, less):
        asked.append(count)
        return original(queries, rows, count, less)

    monkeypatch.setattr(scan, "nearest_by_products", spy)
    query = np.full((1, 8), 1000, np.float32)
    index = ExactIndex(vectors, "inner")
    found = index.search(query, 3)
    assert_same(found, brute_force(vectors, query, "inner", 3))
    assert asked[0] == 9
    assert len(asked) > 1


def test_many_pictures_agree_with_a_vectorised_reference():
    random = np.random.default_rng(3)
    vectors = random.normal(size=(20_000, 32)).astype(np.float32)
    queries = random.normal(size=(40, 32)).astype(np.float32)
    found = ExactIndex(vectors, "inner").search(queries, 10)
    scores = queries.astype(np.float64) @ vectors.astype(np.float64).T
    np.testing.assert_array_equal(found.positions, np.argsort(-scores, axis=1)[:, :10])


def test_zero_vectors_have_cosine_zero():
    vectors = np.array([[0, 0], [1, 0], [-1, 0]], np.float32)
    found = ExactIndex(vectors, "cosine").search(np.array([[2, 0], [0, 0]], np.float32), 3)
    assert found.positions.tolist() == [[1, 0, 2], [0, 1, 2]]
    assert found.scores.tolist() == [[1, 0, -1], [0, 0, 0]]


def test_nothing_allowed_gives_nothing():
    index = ExactIndex(np.eye(3, dtype=np.float32), "cosine")
    found = index.search(np.eye(3, dtype=np.float32), 2, allowed=np.zeros(0, np.int64))
    assert (found.positions == -1).all()


@pytest.mark.parametrize(
    ("queries", "k", "message"),
    [
        (np.zeros((1, 3), np.float32), 0, "k is 0"),
        (np.zeros((1, 4), np.float32), 1, r"wanted \(Q, 3\)"),
        (np.zeros(3, np.float32), 1, r"wanted \(Q, 3\)"),
        (np.full((1, 3), np.nan, np.float32), 1, "NaN"),
    ],
)
def test_bad_queries(queries, k, message):
    with pytest.raises(QueryError, match=message):
        ExactIndex(np.eye(3, dtype=np.float32), "inner").search(queries, k)
