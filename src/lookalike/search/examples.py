"""Several pictures as one query: what it should look like, and what it should not.

Rocchio, "Relevance feedback in information retrieval" (1971); Manning, Raghavan and Schütze,
"Introduction to Information Retrieval" (2008), section 9.1.1, equation 9.3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import QueryError, SettingsError
from lookalike.gallery import Neighbours, SearchIndex
from lookalike.search.expansion import unit_rows
from lookalike.types import Metric

__all__ = ["UNLIKE_WEIGHT", "best_match", "check_weights", "mean_query"]

# The textbook suggests .15 for text, whose terms are never negative. Embeddings here are centred,
# and with half of the weight one counter-example is enough to turn a query away from its kind.
UNLIKE_WEIGHT = 0.5


def mean_query(
    like: NDArray[np.float32],
    unlike: NDArray[np.float32] | None = None,
    *,
    metric: Metric,
    weight: float = UNLIKE_WEIGHT,
    like_weights: Sequence[float] | None = None,
    unlike_weights: Sequence[float] | None = None,
) -> NDArray[np.float32]:
    """Combine examples into one query: the mean of `like` minus `weight` times that of `unlike`.

    Under "cosine" every example is brought to length 1 first and so is the result. Under
    "euclidean" the query is a point: the mean of `like`, moved away from that of `unlike` by
    `weight` times the way between them. Under "inner" rows are taken as they are.

    Examples may count differently: their means are then weighted, and `weight` is multiplied by
    what one of `unlike` counts on average for one of `like`.

    Args:
        like: float32 (P, D), P at least 1.
        unlike: float32 (M, D), or None.
        metric: "euclidean", "cosine" or "inner".
        weight: of the mean of `unlike`, γ in the book; that of `like` is 1.
        like_weights: P numbers above 0, how much each of `like` counts; None for 1 each.
        unlike_weights: M numbers, the same of `unlike`.

    Returns:
        float32 (1, D).

    Raises:
        QueryError: there is no example, or they are not equally wide.
        SettingsError: the weight is negative, or an example's is not above 0.
    """
    like, unlike = _check(like, unlike, weight)
    counts = check_weights(like_weights, len(like))
    against = check_weights(unlike_weights, len(unlike))
    rows, others = like.astype(np.float64), unlike.astype(np.float64)
    if metric == "cosine":
        rows, others = unit_rows(rows), unit_rows(others)
    mean = np.average(rows, axis=0, weights=counts)[None]
    if len(others):
        away = np.average(others, axis=0, weights=against)[None]
        weight = weight * float(against.mean() / counts.mean())
        mean = mean + weight * (mean - away if metric == "euclidean" else -away)
    return (unit_rows(mean) if metric == "cosine" else mean).astype(np.float32)


def best_match(
    index: SearchIndex,
    like: NDArray[np.float32],
    k: int,
    unlike: NDArray[np.float32] | None = None,
    *,
    weight: float = UNLIKE_WEIGHT,
    allowed: NDArray[np.int64] | None = None,
) -> Neighbours:
    """Find the pictures that are close to any of the examples.

    A picture's score is its largest with one of `like`, minus `weight` times its largest with one
    of `unlike`. The result is exact: the first k by their largest score are among the first k of
    each of `like`; with `unlike` every picture is scored with every example, which takes longer.

    Args:
        index: over the gallery.
        like: float32 (P, D), P at least 1.
        k: neighbours wanted; min(k, N) columns come back.
        unlike: float32 (M, D), or None.
        weight: of `unlike`.
        allowed: places that may be found; None for all.

    Returns:
        Neighbours (1, min(k, N)); ties in the gallery's order.

    Raises:
        QueryError: k is less than 1, there is no example, or they are not D wide.
        SettingsError: the weight is negative.
    """
    like, unlike = _check(like, unlike, weight)
    if k < 1:
        raise QueryError(f"k is {k}: wanted 1 or more")
    if like.shape[1] != index.width:
        width = index.width
        raise QueryError(f"examples are {like.shape}: wanted (P, {width})")
    if len(unlike):
        places = np.arange(len(index)) if allowed is None else np.unique(allowed)
    else:
        found = index.search(like, k, allowed=allowed).positions
        places = np.unique(found[found >= 0])
    scores = _largest(index, like, places)
    if len(unlike):
        scores = scores - weight * _largest(index, unlike, places)
    order = np.argsort(-scores, kind="stable")[:k]
    columns = min(k, len(index))
    best = Neighbours(np.full((1, columns), -np.inf), np.full((1, columns), -1, np.int64))
    best.scores[0, : len(order)] = scores[order]
    best.positions[0, : len(order)] = places[order]
    return best


def _largest(
    index: SearchIndex, examples: NDArray[np.float32], places: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the largest score of each place with any of the examples."""
    every = np.broadcast_to(places, (len(examples), len(places)))
    return np.asarray(index.score(examples, every).max(axis=0))


def check_weights(weights: Sequence[float] | None, count: int) -> NDArray[np.float64]:
    """Return how much each of so many examples counts, float64 (count,).

    Raises:
        SettingsError: there are more or fewer, or one is not above 0.
    """
    if weights is None:
        return np.ones(count)
    rows = np.array(weights, np.float64)
    if rows.shape != (count,) or not (np.isfinite(rows).all() and (rows > 0).all()):
        raise SettingsError(
            f"weights of examples are {list(weights)}: wanted {count} numbers above 0"
        )
    return rows


def _check(
    like: NDArray[np.float32], unlike: NDArray[np.float32] | None, weight: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    if like.ndim != 2 or not len(like):
        raise QueryError(f"examples are {like.shape}: wanted (P, D) with P at least 1")
    unlike = like[:0] if unlike is None else unlike
    if unlike.ndim != 2 or unlike.shape[1] != like.shape[1]:
        raise QueryError(f"counter-examples are {unlike.shape}: wanted (M, {like.shape[1]})")
    if not (np.isfinite(like).all() and np.isfinite(unlike).all()):
        raise QueryError("an example's embedding holds NaN or infinity: train the encoder again")
    if not weight >= 0:
        raise SettingsError(f"the weight of counter-examples is {weight}: wanted 0 or more")
    return like, unlike
