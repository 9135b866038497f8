"""Candidates of queries by products with all rows, of which little is looked at.

Of the scores with a block of rows only those above the worst candidate so far are taken out, which
after the first blocks are few: one comparison a score, where a heap of candidates takes several.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["nearest_by_products"]

# Multiplied at once: so many that the product is quick, so few scores that the caches hold them.
QUERIES, ROWS, SCORES = 1_024, 2_048, 1 << 17
# Of fewer queries each is multiplied by itself: rows are then read as they lie, not packed first.
FEW = 4


def nearest_by_products(
    queries: NDArray[np.float32],
    rows: NDArray[np.float32],
    count: int,
    less: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the rows whose products with each query are the largest.

    Values that are not finite, or overflow, may hide others.

    Args:
        queries: float32 (Q, D).
        rows: float32 (N, D).
        count: how many, N at most.
        less: float32 (N,), subtracted from each row's products. Half its squared length makes the
            nearest by distance of it.

    Returns:
        int64 (Q, count), their places in any order; float32 (Q,), the lowest score of these.
    """
    places = np.empty((len(queries), count), np.int64)
    lowest = np.empty(len(queries), np.float32)
    few = max(ROWS, count)  # of the first ones all scores are looked at
    step = max(few, SCORES // max(1, len(queries)))
    edges = sorted({0, *range(few, len(rows), step), len(rows)})
    room = np.empty((min(QUERIES, len(queries)), min(step, len(rows))), np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(queries), QUERIES):
            some = slice(start, start + QUERIES)
            best = _Best(queries[some], count)
            for first, last in pairwise(edges):
                block = slice(first, last)
                best.add(rows[block], first, None if less is None else less[block], room)
            places[some], lowest[some] = best.places, best.lowest
    return places, lowest


class _Best:
    """The best rows so far of some queries."""

    def __init__(self, queries: NDArray[np.float32], count: int) -> None:
        self.queries, self.count = queries, count
        self.scores = np.empty((len(queries), 0), np.float32)
        self.places = np.empty((len(queries), 0), np.int64)
        self.lowest = np.full(len(queries), -np.inf, np.float32)

    def add(
        self,
        rows: NDArray[np.float32],
        first: int,
        less: NDArray[np.float32] | None,
        room: NDArray[np.float32],
    ) -> None:
        """Look at rows from the place `first` on; `room` (at least Q, N) is written to."""
        scores = room.reshape(-1)[: len(self.queries) * len(rows)].reshape(-1, len(rows))
        if len(self.queries) < FEW:
            for query, found in zip(self.queries, scores, strict=True):
                np.matmul(rows, query, out=found)
        else:
            np.matmul(self.queries, rows.T, out=scores)
        if less is not None:
            scores -= less
        if not self.places.size:
            self._keep(scores, np.broadcast_to(np.arange(len(rows)) + first, scores.shape))
            return
        better = np.flatnonzero(scores > self.lowest[:, None])
        if len(better):
            self._merge(*np.divmod(better, len(rows)), scores.reshape(-1)[better], first)

    def _merge(
        self,
        query: NDArray[np.int64],
        column: NDArray[np.int64],
        scores: NDArray[np.float32],
        first: int,
    ) -> None:
        """Take up scores, ordered by their query."""
        found = np.bincount(query, minlength=len(self.queries))
        width = self.count + int(found.max())
        slot = self.count + np.arange(len(query)) - np.repeat(np.cumsum(found) - found, found)
        every = np.full((len(self.queries), width), -np.inf, np.float32)
        places = np.full(every.shape, -1, np.int64)
        every[:, : self.count], places[:, : self.count] = self.scores, self.places
        every[query, slot], places[query, slot] = scores, column + first
        self._keep(every, places)

    def _keep(self, scores: NDArray[np.float32], places: NDArray[np.int64]) -> None:
        last = scores.shape[1] - self.count
        best = np.argpartition(scores, last, axis=1)[:, last:]
        self.scores = np.take_along_axis(scores, best, axis=1)
        self.places = np.take_along_axis(places, best, axis=1)
        self.lowest = self.scores.min(axis=1)
