"""Retrieval metrics over ranked relevance.

All take `relevant`, bool (Q, depth): whether the hit at each rank has the query's label, closest
first; and, where the definition needs it, `totals`, int (Q,): R, the relevant pictures in the
whole gallery. Rules, the same for all:

- Self-matches: a query that is in the gallery is taken out of its own ranking and of R before.
- Ties are ranked by their place in the gallery, before these functions see them.
- A query with R = 0 has no right answer: it must be left out before (`Metrics.left_out` counts).
- A ranking shorter than k counts what is missing as not relevant.

All return float64 (Q,), one value for each query; the published figure is their mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import SettingsError

__all__ = [
    "average_precision_at",
    "knn_accuracy",
    "map_at_r",
    "ndcg_at",
    "precision_at",
    "recall_at",
]

Values = NDArray[np.float64]
Relevance = NDArray[np.bool_]
Counts = NDArray[np.int64]


def precision_at(relevant: Relevance, k: int) -> Values:
    """Precision at k: relevant among the first k, divided by k.

    By hand: the first five are right, wrong, right, right, wrong. P@5 = 3/5.

    >>> precision_at(np.array([[True, False, True, True, False]]), 5)
    array([0.6])
    """
    _check(relevant, k)
    return np.asarray(relevant[:, :k].sum(axis=1) / k)


def recall_at(relevant: Relevance, totals: Counts, k: int) -> Values:
    """Recall at k: relevant among the first k, divided by R.

    (Metric learning often calls "R@k" what is a hit rate: whether any of the first k is right.
    This is not that.)

    By hand: R = 4, of which two are among the first three. R@3 = 2/4.

    >>> recall_at(np.array([[True, False, True, True]]), np.array([4]), 3)
    array([0.5])
    """
    _check(relevant, k, totals)
    return np.asarray(relevant[:, :k].sum(axis=1) / totals)


def average_precision_at(relevant: Relevance, totals: Counts, k: int) -> Values:
    """AP@k: the sum of the precisions at the relevant ranks up to k, divided by min(R, k).

    By hand: right, wrong, right among the first three, R = 4. The precisions at the right ranks
    are 1/1 and 2/3; divided by min(4, 3) = 3: AP@3 = (1 + 2/3) / 3 = 5/9.

    >>> average_precision_at(np.array([[True, False, True]]), np.array([4]), 3)
    array([0.55555556])
    """
    _check(relevant, k, totals)
    return _summed_precisions(relevant[:, :k]) / np.minimum(totals, k)


def map_at_r(relevant: Relevance, totals: Counts) -> Values:
    """MAP@R: AP over the first R ranks, divided by R, with each query's own R.

    Source: Musgrave, Belongie and Lim, "A Metric Learning Reality Check" (2020), section 3.2.

    By hand: R = 2, the ranking is wrong, right, right. Only the first two ranks count: the
    precision at rank 2 is 1/2; divided by 2: MAP@R = 1/4.

    >>> map_at_r(np.array([[False, True, True]]), np.array([2]))
    array([0.25])
    """
    _check(relevant, 1, totals)
    ranks = np.arange(relevant.shape[1])
    return _summed_precisions(relevant & (ranks < totals[:, None])) / totals


def ndcg_at(relevant: Relevance, totals: Counts, k: int) -> Values:
    """NDCG@k: gains of 1 / log2(rank + 1) for relevant ranks up to k, over those of the ideal.

    The ideal ranking has its min(R, k) relevant pictures first.

    By hand: wrong, right, R = 1. The gain is 1 / log2(3) = 0.63; the ideal's is 1 / log2(2) = 1.

    >>> ndcg_at(np.array([[False, True]]), np.array([1]), 2).round(4)
    array([0.6309])
    """
    _check(relevant, k, totals)
    gains = 1 / np.log2(np.arange(2, k + 2))
    found = relevant[:, :k] @ gains[: relevant.shape[1]]
    ideal = np.cumsum(gains)[np.minimum(totals, k) - 1]
    return np.asarray(found / ideal)


def knn_accuracy(neighbours: Sequence[Sequence[str]], labels: Sequence[str], k: int = 10) -> Values:
    """KNN accuracy: 1 where the commonest label among the k nearest is the query's own, else 0.

    Where labels are equally common, the one whose nearest picture is closest wins.

    By hand: the three nearest are dog, cat, cat; the vote says cat. With k = 2 it is one each, and
    dog stands first.

    >>> knn_accuracy([["dog", "cat", "cat"]], ["cat"], k=3)
    array([1.])
    >>> knn_accuracy([["dog", "cat", "cat"]], ["cat"], k=2)
    array([0.])
    """
    if k < 1:
        raise SettingsError(f"k is {k}: wanted 1 or more")
    right = []
    for near, label in zip(neighbours, labels, strict=True):
        first = list(near[:k])
        # max() keeps the first of equals, and dict.fromkeys the order of nearness.
        right.append(bool(first) and max(dict.fromkeys(first), key=first.count) == label)
    return np.array(right, np.float64)


def _summed_precisions(relevant: Relevance) -> Values:
    ranks = np.arange(1, relevant.shape[1] + 1)
    return np.asarray((np.cumsum(relevant, axis=1) / ranks * relevant).sum(axis=1))


def _check(relevant: Relevance, k: int, totals: Counts | None = None) -> None:
    if k < 1:
        raise SettingsError(f"k is {k}: wanted 1 or more")
    if relevant.ndim != 2:
        raise SettingsError(f"relevance is {relevant.shape}: wanted (Q, depth)")
    if totals is not None and (totals.shape != (len(relevant),) or (totals < 1).any()):
        raise SettingsError(
            f"totals are {totals.shape}, least {totals.min(initial=1)}: wanted ({len(relevant)},) "
            "of at least 1; leave out the queries without a right answer"
        )
