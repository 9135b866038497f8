"""Rank a whole gallery for many queries: products in float32, for measuring, not for searching."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lookalike.types import Metric

__all__ = ["rank"]

# Similarities held at once (128 MB of float32).
BLOCK = 32_000_000
SMALLEST = np.finfo(np.float32).smallest_subnormal


def rank(
    gallery: NDArray[np.float32],
    queries: NDArray[np.float32],
    metric: Metric,
    *,
    depth: int,
    leave_out: NDArray[np.int64] | None,
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Give the first query of a block and places (B, depth), closest first, ties by place.

    Args:
        gallery: finite embeddings (N, D).
        queries: finite embeddings (Q, D).
        metric: "euclidean", "cosine" or "inner".
        depth: places wanted; fewer come where the gallery has fewer.
        leave_out: the place (Q,) that each query must not find; None for none.
    """
    distinct, copies = _distinct(gallery)
    products = _Products(distinct, metric)
    depth = min(depth, len(gallery) - (leave_out is not None))
    step = max(1, BLOCK // len(gallery))
    for start in range(0, len(queries), step):
        scores = products.scores(queries[start : start + step])
        if len(distinct) < len(gallery):
            scores = scores[:, copies]
        if leave_out is not None:
            scores[np.arange(len(scores)), leave_out[start : start + step]] = -np.inf
        yield start, _order(scores, depth)


def _distinct(
    gallery: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the different rows, in the gallery's order, and which of them each row is.

    BLAS rounds a product by its column: equal rows would get scores that are not quite equal.
    """
    rows = np.ascontiguousarray(gallery, dtype=np.float32) + np.float32(0)  # makes -0 a 0
    whole = rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize)))[:, 0]
    _, first, copies = np.unique(whole, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return rows[first[order]], np.argsort(order)[copies.reshape(-1)]


class _Products:
    """Products that order a gallery as a metric does, whatever the scale of the embeddings.

    Rows are divided by powers of two, which is exact, so that no square leaves float32.
    """

    def __init__(self, gallery: NDArray[np.float32], metric: Metric) -> None:
        self.metric = metric
        self.unit = int(_exponents(gallery).max())
        if metric == "cosine":
            self.rows = _normalised(gallery)
        else:
            self.rows = np.ldexp(gallery, -self.unit)
        if metric == "euclidean":  # centred against cancellation
            self.centre = self.rows.mean(axis=0, dtype=np.float64).astype(np.float32)
            self.rows = self.rows - self.centre
            self.shift = np.square(self.rows).sum(axis=1) / np.float32(2)

    def scores(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (B, N), higher is closer; a query's scores have a scale of their own."""
        if self.metric == "cosine":
            return np.asarray(_normalised(queries) @ self.rows.T)
        exponents = _exponents(queries)
        if self.metric == "inner":
            return np.asarray(np.ldexp(queries, -exponents) @ self.rows.T)
        # |q - x|² orders as |x|²/2 - qx. Only a query larger than the gallery is scaled more.
        exponents = np.maximum(exponents, self.unit)
        share = np.ldexp(np.float32(1), self.unit - exponents)
        rows = np.ldexp(queries, -exponents) - share * self.centre
        scores = np.asarray(rows @ self.rows.T)
        scores -= self.shift if (share == 1).all() else share * self.shift
        return scores


def _normalised(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    rows = np.ldexp(rows, -_exponents(rows))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)


def _exponents(rows: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return (N, 1): the power of two just above each row's largest value; least for zeros."""
    largest = np.abs(rows).max(axis=1, keepdims=True)
    return np.asarray(np.frexp(np.maximum(largest, SMALLEST))[1])


def _order(scores: NDArray[np.float32], depth: int) -> NDArray[np.int64]:
    """Return places (B, depth) of the highest scores of each row, ties by place."""
    if depth * 4 >= scores.shape[1]:
        return np.argsort(-scores, axis=1, kind="stable")[:, :depth]
    # Everything above the depth-th score, then ties at it from the left, as a full sort has it.
    edge = np.partition(scores, -depth, axis=1)[:, -depth, None]
    ranking = np.empty((len(scores), depth), np.int64)
    for row, values in enumerate(scores):
        above = np.flatnonzero(values > edge[row])
        tied = np.flatnonzero(values == edge[row])[: depth - len(above)]
        places = np.sort(np.concatenate([above, tied]))
        ranking[row] = places[np.argsort(-values[places], kind="stable")]
    return ranking
