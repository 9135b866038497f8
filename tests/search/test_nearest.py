from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import QueryError, SettingsError
from lookalike.gallery import ExactIndex
from lookalike.search import (
    ALPHA,
    RERANKS,
    SearchSettings,
    SpectralIndex,
    diffuse,
    expand_queries,
    k_reciprocal,
    nearest,
)

EVERY = [
    SearchSettings(expand, alpha, rerank)
    for expand, alpha in ((0, None), (4, 2.0))
    for rerank in (None, *RERANKS)
]


@pytest.fixture(scope="module")
def index() -> ExactIndex:
    return ExactIndex(np.random.default_rng(0).normal(size=(90, 5)).astype(np.float32), "cosine")


@pytest.fixture(scope="module")
def queries() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)


@pytest.mark.parametrize("settings", EVERY, ids=str)
@pytest.mark.parametrize("k", [1, 20, 90, 91])
def test_filters_and_exclusions_hold_and_scores_are_sorted(index, queries, settings, k):
    allowed, exclude = np.arange(0, 90, 3), np.array([0, -1, 3, 1])
    found = nearest(index, queries, k, settings, allowed=allowed, exclude=exclude)
    assert found.positions.shape == (4, min(k, 90))
    for places, scores, left_out in zip(found.positions, found.scores, exclude, strict=True):
        wanted = set(allowed.tolist()) - {left_out}
        count = min(k, len(wanted))
        assert len(set(places[:count])) == count
        assert set(places[:count]) <= wanted
        assert (places[count:] == -1).all()
        assert (np.diff(scores[:count]) <= 0).all()
        assert np.isneginf(scores[count:]).all()


@pytest.mark.parametrize("settings", EVERY, ids=str)
def test_one_query_is_the_same_alone_as_among_others(index, queries, settings):
    together = nearest(index, queries, 30, settings)
    for number in range(4):
        alone = nearest(index, queries[number : number + 1], 30, settings)
        np.testing.assert_array_equal(alone.positions[0], together.positions[number])


def test_k_cuts_and_does_not_change_the_order(index, queries):
    for settings in EVERY:
        many, few = (nearest(index, queries, k, settings).positions for k in (90, 7))
        np.testing.assert_array_equal(few, many[:, :7])


def test_it_is_its_steps_one_after_the_other(index, queries):
    plain = nearest(index, queries, 9, SearchSettings())
    np.testing.assert_array_equal(plain.scores, index.search(queries, 9).scores)
    moved = expand_queries(index, queries, index.search(queries, 4), alpha=2.0)
    for rerank, function in (("k-reciprocal", k_reciprocal), ("diffusion", diffuse)):
        found = nearest(index, queries, 9, SearchSettings(4, 2.0, rerank, depth=30))
        wanted = function(index, moved, index.search(moved, 30), depth=30)
        np.testing.assert_array_equal(found.positions, wanted.positions[:, :9])
    prepared = SpectralIndex(index)
    settings = SearchSettings(4, 2.0, "spectral")
    found = nearest(index, queries, 9, settings, spectral=prepared)
    np.testing.assert_array_equal(found.positions, prepared.search(moved, 9).positions)
    np.testing.assert_array_equal(nearest(index, queries, 9, settings).scores, found.scores)


def test_a_bad_k_is_a_query_error(index, queries):
    for settings in EVERY:
        with pytest.raises(QueryError, match="k is 0"):
            nearest(index, queries, 0, settings)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"expand": -1}, "expand is -1"),
        ({"expand": 2, "alpha": -1.0}, "alpha is -1"),
        ({"expand": 2, "alpha": float("nan")}, "alpha is nan"),
        ({"alpha": 3.0}, r"alpha is 3 but no query is expanded: wanted expand \(--expand\)"),
        ({"alpha": 0.0, "rerank": "spectral"}, "leave alpha out"),
        ({"rerank": "magic"}, "unknown rerank 'magic': wanted one of k-reciprocal, diffusion"),
        ({"rerank": "diffusion", "depth": 0}, "depth is 0"),
        ({"depth": 5}, r"depth is 5 but nothing is re-ranked: wanted rerank \(--rerank\)"),
        ({"rerank": "spectral", "depth": 5}, "spectral orders the whole gallery.*leave depth out"),
    ],
)
def test_settings_are_checked(wrong, message):
    with pytest.raises(SettingsError, match=message):
        SearchSettings(**wrong)


def test_settings_that_mean_nothing_under_a_metric(queries):
    index = ExactIndex(np.eye(5, dtype=np.float32), "euclidean")
    with pytest.raises(SettingsError, match="search by cosine"):
        nearest(index, queries, 3, SearchSettings(expand=2))
    for rerank in ("diffusion", "spectral"):
        with pytest.raises(SettingsError, match="needs the metric cosine, got euclidean"):
            nearest(index, queries, 3, SearchSettings(rerank=rerank))
    assert SearchSettings().plain
    assert not SearchSettings(expand=1).plain


def test_alpha_has_a_default_that_no_one_has_to_ask_for(index, queries):
    assert SearchSettings().power == SearchSettings(expand=3).power == ALPHA
    assert SearchSettings(expand=3, alpha=0).power == 0
    given, default = (nearest(index, queries, 9, SearchSettings(3, a)) for a in (ALPHA, None))
    np.testing.assert_array_equal(given.scores, default.scores)
