"""Exact search, block by block: candidates are found in float32, float64 puts them in order.

Where the blocks come from, memory or disk, is the caller's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery.neighbours import Neighbours
from lookalike.gallery.prepared import (
    EPSILON,
    LARGEST,
    TINY,
    Block,
    Prepared,
    unit_rows,
)
from lookalike.gallery.products import nearest_by_products
from lookalike.types import Metric

__all__ = ["scan", "true_scores", "true_scores_of"]

# More candidates than asked for, so that rounding in float32 cannot hide a true neighbour.
MARGIN = 6
# Float64 values gathered at once when candidates are scored again (64 MB).
VALUES = 8_000_000
# As many of queries with few rows each, so that they stay in a core's own cache (1 MB).
CACHED = 1 << 17


def true_scores(
    metric: Metric, query: NDArray[np.float64], rows: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the scores, float64 (..., N), of queries (..., 1, D) or (D,) with rows (..., N, D)."""
    if metric == "euclidean":
        return np.asarray(-np.sqrt(np.square(rows - query).sum(axis=-1)))
    # Not `rows @ query`: BLAS rounds a row by its place, and equal pictures must tie.
    products: NDArray[np.float64] = (rows * query).sum(axis=-1)
    if metric == "inner":
        return products
    lengths = np.sqrt(np.square(rows).sum(axis=-1)) * np.sqrt(np.square(query).sum(axis=-1))
    return np.asarray(products / np.where(lengths > 0, lengths, 1))


def true_scores_of(
    metric: Metric,
    queries: NDArray[np.float32],
    rows: Callable[[NDArray[np.int64]], NDArray[np.float32]],
    places: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the scores, float64 (Q, C), of each query (Q, D) with rows of its own.

    Args:
        metric: what the scores are.
        queries: float32 (Q, D).
        rows: gives the rows (..., D) of places of any shape.
        places: int64 (Q, C).
    """
    scores = np.empty(places.shape)
    width = max(1, queries.shape[1])
    columns = max(1, min(places.shape[1], VALUES // width))
    # Few queries with few rows each are scored together; what they take stays in the cache.
    together = max(1, CACHED // (columns * width))
    for start in range(0, len(queries), together):
        some = slice(start, start + together)
        asked = queries[some, None].astype(np.float64)
        for first in range(0, places.shape[1], columns):
            part = slice(first, first + columns)
            found = rows(places[some, part]).astype(np.float64)
            scores[some, part] = true_scores(metric, asked, found)
    return scores


def scan(
    blocks: Callable[[], Iterable[Block]],
    queries: NDArray[np.float32],
    metric: Metric,
    *,
    columns: int,
    count: int,
    exclude: NDArray[np.int64] | None = None,
    centre: NDArray[np.float32] | None = None,
) -> Neighbours:
    """Find the nearest of each query in all blocks, again until none can have been missed.

    Args:
        blocks: starts to give the blocks from the first one.
        queries: float32 (Q, D).
        metric: what orders the neighbours.
        columns: how many to return.
        count: rows of all blocks together.
        exclude: int64 (Q,), a place that each query must not find, or -1.
        centre: what the blocks were prepared with.
    """
    found = Neighbours(
        np.full((len(queries), columns), -np.inf), np.full((len(queries), columns), -1, np.int64)
    )
    left_out = exclude if exclude is not None and (exclude >= 0).any() else None
    wanted = min(columns + (left_out is not None), count)
    open_rows = np.arange(len(queries) if wanted else 0)
    asked = wanted + max(MARGIN, wanted // 8)
    while len(open_rows):
        best = _Best(queries[open_rows], metric, wanted, asked, centre)
        for block in blocks():
            best.add(block)
        gone = None if left_out is None else left_out[open_rows]
        best.write(found, open_rows, gone)
        open_rows = open_rows[~best.sure()]
        asked *= 4
    return found


class _Best:
    """The best so far of each query, and how good what was not looked at may be."""

    def __init__(
        self,
        queries: NDArray[np.float32],
        metric: Metric,
        wanted: int,
        asked: int,
        centre: NDArray[np.float32] | None,
    ) -> None:
        self.metric = metric
        self.queries = queries
        self.asked = asked
        # Queries of one length are not left as they are: their own length must not count.
        prepared = unit_rows(queries) if metric == "cosine" else queries
        if centre is not None:
            prepared = prepared - centre
        self.prepared = np.ascontiguousarray(prepared)
        self.lengths = np.linalg.norm(prepared.astype(np.float64), axis=1)
        self.scores = np.full((len(queries), wanted), -np.inf)
        self.places = np.full((len(queries), wanted), -1, np.int64)
        self.missed = np.full(len(queries), -np.inf)

    def add(self, block: Block) -> None:
        count = len(block.rows)
        if not count:
            return
        if self.asked * 4 >= count:  # a long list is no shorter than everything in float64
            found = np.broadcast_to(np.arange(count), (len(self.queries), count))
        else:
            found, bound = self._candidates(block.prepared)
            self.missed = np.maximum(self.missed, bound)
        true = self._true(block.rows, found)
        places = found if block.places is None else block.places[found]
        scores = np.concatenate([self.scores, true], axis=1)
        places = np.concatenate([self.places, places], axis=1)
        order = np.lexsort((places, -scores), axis=1)[:, : self.scores.shape[1]]
        self.scores = np.take_along_axis(scores, order, axis=1)
        self.places = np.take_along_axis(places, order, axis=1)

    def sure(self) -> NDArray[np.bool_]:
        """Return for which queries nothing can have been missed."""
        worst = self.scores[:, -1]
        if self.metric == "euclidean":
            worst = -np.square(worst)  # as candidates are bounded: squared distances
        return np.asarray(worst >= self.missed)

    def write(
        self, found: Neighbours, rows: NDArray[np.int64], gone: NDArray[np.int64] | None
    ) -> None:
        scores, places = self.scores, self.places
        if gone is not None:
            scores = np.where(places == gone[:, None], -np.inf, scores)
            order = np.argsort(-scores, axis=1, kind="stable")[:, : found.scores.shape[1]]
            scores = np.take_along_axis(scores, order, axis=1)
            places = np.take_along_axis(places, order, axis=1)
        width = min(scores.shape[1], found.scores.shape[1])
        found.scores[rows, :width] = scores[:, :width]
        there = scores[:, :width] > -np.inf
        found.positions[rows, :width] = np.where(there, places[:, :width], -1)

    def _candidates(self, prepared: Prepared) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return rows (Q, asked) nearest in float32, and the best true score of any other."""
        found, last = nearest_by_products(self.prepared, prepared.rows, self.asked, prepared.halves)
        bound = last.astype(np.float64)
        if self.metric == "euclidean":  # the negative squared distance
            bound = 2 * bound - np.square(self.lengths)
        doubt = self._doubt(prepared)
        # Where float32 may overflow, so may the bound.
        return found, np.where(np.isfinite(doubt), bound / prepared.scale, 0) + doubt

    def _doubt(self, prepared: Prepared) -> NDArray[np.float64]:
        """Return how far a score in float32 may be from the true one, for each query.

        The usual bound of a sum of D products, on |q||x|, and on (|q| + |x|)² for distances,
        which are computed as |q|² + |x|² - 2qx; infinite where float32 may overflow.
        """
        width = self.queries.shape[1]
        largest = self.lengths * prepared.longest
        if self.metric == "euclidean":
            largest = 2 * (self.lengths + prepared.longest) ** 2
        doubt = EPSILON * (width + 8) * largest + 2 * width * TINY
        doubt = np.where(largest < LARGEST / 4, doubt, np.inf)
        return np.asarray(doubt / prepared.scale + prepared.skew)

    def _true(self, rows: NDArray[np.float32], found: NDArray[np.int64]) -> NDArray[np.float64]:
        return true_scores_of(self.metric, self.queries, rows.__getitem__, found)
