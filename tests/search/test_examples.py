from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import QueryError, SettingsError
from lookalike.gallery import ExactIndex
from lookalike.search import best_match, mean_query
from lookalike.types import METRICS


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def test_mean_is_rocchio():
    random = np.random.default_rng(0)
    like, unlike = random.normal(size=(3, 4)), random.normal(size=(2, 4))
    args = like.astype(np.float32), unlike.astype(np.float32)
    np.testing.assert_allclose(
        mean_query(*args, metric="inner"), [like.mean(0) - 0.5 * unlike.mean(0)], atol=1e-6
    )
    np.testing.assert_allclose(
        mean_query(*args, metric="cosine", weight=0.2),
        [unit(unit(like).mean(0) - 0.2 * unit(unlike).mean(0))], atol=1e-6,
    )  # fmt: skip
    np.testing.assert_allclose(
        mean_query(*args, metric="euclidean"),
        [1.5 * like.mean(0) - 0.5 * unlike.mean(0)], atol=1e-6,
    )  # fmt: skip
    np.testing.assert_allclose(
        mean_query(args[0], metric="cosine"), [unit(unit(like).sum(0))], atol=1e-6
    )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("k", [1, 5, 40, 41])
@pytest.mark.parametrize("others", [0, 2])  # without, only the first of each are looked at
def test_best_match_scores_every_picture_with_every_example(metric, k, others):
    random = np.random.default_rng(1)
    gallery, like, unlike = (random.normal(size=(n, 3)).astype(np.float32) for n in (40, 3, 2))
    unlike = unlike[:others]
    gallery[11] = gallery[4]
    index = ExactIndex(gallery, metric)

    def score(example, place):
        one, other = example.astype(float), gallery[place].astype(float)
        if metric == "euclidean":
            return -np.linalg.norm(one - other)
        return one @ other if metric == "inner" else unit(one) @ unit(other)

    allowed = np.array([place for place in range(40) if place % 7])
    found = best_match(index, like, k, unlike, weight=0.3, allowed=allowed)
    scored = sorted(
        (-np.round(max(score(e, p) for e in like)
                   - 0.3 * max((score(e, p) for e in unlike), default=0), 9), p)
        for p in allowed
    )[:k]  # fmt: skip
    count = min(k, len(allowed))
    assert found.positions.shape == (1, min(k, 40))
    assert found.positions[0, :count].tolist() == [place for _, place in scored]
    np.testing.assert_allclose(found.scores[0, :count], [-s for s, _ in scored], atol=1e-6)
    assert (found.positions[0, count:] == -1).all()
    assert np.isneginf(found.scores[0, count:]).all()


def test_best_match_of_one_is_the_plain_search():
    random = np.random.default_rng(2)
    index = ExactIndex(random.normal(size=(50, 4)).astype(np.float32), "cosine")
    query = random.normal(size=(1, 4)).astype(np.float32)
    plain, found = index.search(query, 50), best_match(index, query, 50)
    np.testing.assert_array_equal(found.positions, plain.positions)
    np.testing.assert_array_equal(found.scores, plain.scores)


def test_bad_examples():
    index = ExactIndex(np.eye(3, dtype=np.float32), "cosine")
    rows = np.eye(3, dtype=np.float32)
    with pytest.raises(QueryError, match="P at least 1"):
        mean_query(rows[:0], metric="cosine")
    with pytest.raises(QueryError, match=r"wanted \(M, 3\)"):
        mean_query(rows, rows[:, :2], metric="cosine")
    with pytest.raises(QueryError, match="NaN"):
        mean_query(rows * np.nan, metric="cosine")
    with pytest.raises(SettingsError, match="weight"):
        best_match(index, rows, 1, weight=-1)
    with pytest.raises(QueryError, match="k is 0"):
        best_match(index, rows, 0)
    with pytest.raises(QueryError, match=r"wanted \(P, 3\)"):
        best_match(index, rows[:, :2], 1)


@pytest.mark.parametrize("metric", METRICS)
def test_an_example_that_counts_twice_is_one_given_twice(metric):
    random = np.random.default_rng(2)
    like, unlike = (random.normal(size=(n, 5)).astype(np.float32) for n in (3, 2))
    weighed = mean_query(
        like, unlike, metric=metric, like_weights=[2, 1, 1], unlike_weights=[4 / 3, 4 / 3]
    )
    given = mean_query(like[[0, 0, 1, 2]], unlike, metric=metric)
    np.testing.assert_allclose(weighed, given, atol=1e-6)
    same = mean_query(like, unlike, metric=metric, like_weights=[1] * 3, unlike_weights=[1, 1])
    np.testing.assert_array_equal(same, mean_query(like, unlike, metric=metric))


def test_how_much_is_kept_away_from_what_counts_more():
    like, unlike = np.eye(2, dtype=np.float32)[:1], np.eye(2, dtype=np.float32)[1:]
    pulls = [
        float(mean_query(like, unlike, metric="inner", unlike_weights=[weight])[0, 1])
        for weight in (0.5, 1, 3)
    ]
    np.testing.assert_allclose(pulls, [-0.25, -0.5, -1.5])


@pytest.mark.parametrize("weights", [[1], [1, 2, 3], [1, 0], [1, -1], [1, np.nan]])
def test_weights_are_checked(weights):
    rows = np.eye(2, dtype=np.float32)
    with pytest.raises(SettingsError, match="wanted 2 numbers above 0"):
        mean_query(rows, metric="cosine", like_weights=weights)
