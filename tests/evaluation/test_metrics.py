from __future__ import annotations

from math import log2

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from lookalike.errors import SettingsError
from lookalike.evaluation import (
    average_precision_at,
    knn_accuracy,
    map_at_r,
    ndcg_at,
    precision_at,
    recall_at,
)


@st.composite
def rankings(draw):
    """A ranking, and how many relevant pictures the gallery holds: at least those ranked."""
    relevant = draw(st.lists(st.booleans(), min_size=1, max_size=25))
    return relevant, max(1, sum(relevant) + draw(st.integers(0, 5)))


def slow_average_precision(relevant, depth, divisor):
    total, right = 0.0, 0
    for rank, is_right in enumerate(relevant[:depth], start=1):
        if is_right:
            right += 1
            total += right / rank
    return total / divisor


@given(rankings(), st.integers(1, 30))
def test_against_plain_python(ranking, k):
    relevant, total = ranking
    matrix, totals = np.array([relevant]), np.array([total])
    right = sum(relevant[:k])
    assert precision_at(matrix, k)[0] == pytest.approx(right / k)
    assert recall_at(matrix, totals, k)[0] == pytest.approx(right / total)
    expected = slow_average_precision(relevant, k, min(total, k))
    assert average_precision_at(matrix, totals, k)[0] == pytest.approx(expected)
    expected = slow_average_precision(relevant, total, total)
    assert map_at_r(matrix, totals)[0] == pytest.approx(expected)
    gain = sum(1 / log2(rank + 1) for rank, r in enumerate(relevant[:k], start=1) if r)
    ideal = sum(1 / log2(rank + 1) for rank in range(1, min(total, k) + 1))
    assert ndcg_at(matrix, totals, k)[0] == pytest.approx(gain / ideal)


def test_a_perfect_ranking_is_one_whatever_the_k():
    relevant, totals = np.array([[True, True, True, False, False]]), np.array([3])
    for k in range(1, 8):
        assert average_precision_at(relevant, totals, k)[0] == pytest.approx(1)
        assert ndcg_at(relevant, totals, k)[0] == pytest.approx(1)
    assert map_at_r(relevant, totals)[0] == 1


def test_the_denominator_of_ap_is_min_r_k_not_those_found():
    relevant, totals = np.array([[True, False, False, False]]), np.array([100])
    assert average_precision_at(relevant, totals, 4)[0] == pytest.approx(1 / 4)


def test_queries_are_independent_rows():
    relevant = np.array([[True, False], [False, True]])
    totals = np.array([1, 2])
    assert map_at_r(relevant, totals).tolist() == [1, 0.25]


def test_the_vote_of_the_nearest():
    near = [["a", "b", "b", "a", "c"]]
    assert knn_accuracy(near, ["a"], 5)[0] == 1  # a tie goes to the label that stands first
    assert knn_accuracy(near, ["b"], 3)[0] == 1
    assert knn_accuracy([[]], ["b"], 3)[0] == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda: precision_at(np.ones((1, 3), bool), 0),
        lambda: precision_at(np.ones(3, bool), 1),
        lambda: recall_at(np.ones((1, 3), bool), np.array([0]), 1),
        lambda: map_at_r(np.ones((1, 3), bool), np.array([1, 2])),
        lambda: knn_accuracy([["a"]], ["a"], 0),
    ],
)
def test_bad_arguments(call):
    with pytest.raises(SettingsError, match="wanted"):
        call()
