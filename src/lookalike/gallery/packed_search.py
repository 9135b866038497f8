"""Search by rounded rows: candidates by these, put in order by the embeddings as they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery.neighbours import Neighbours
from lookalike.gallery.packed import FURTHEST, Compared, PackedRows

__all__ = ["search_packed"]

Score = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float64]]

# Scores by rounded rows that are kept at once.
SCORES = 4_000_000
# Candidates of one query: where they would be more, all rows are compared.
MOST = 4_096


def search_packed(
    packed: PackedRows,
    score: Score,
    queries: NDArray[np.float32],
    columns: int,
    *,
    allowed: NDArray[np.bool_] | None = None,
    exclude: NDArray[np.int64] | None = None,
) -> tuple[Neighbours, NDArray[np.int64]]:
    """Find the nearest of each query, and say for which queries that did not succeed.

    Args:
        packed: the gallery's rows.
        score: gives the true scores (Q, C) of queries (Q, D) with places (Q, C).
        queries: float32 (Q, D).
        columns: how many to return.
        allowed: bool (N,), which rows may be found; None for all.
        exclude: int64 (Q,), a place that each query must not find, or -1.

    Returns:
        The neighbours, and the numbers of the queries that too many rows are near to.
    """
    found = Neighbours(
        np.full((len(queries), columns), -np.inf), np.full((len(queries), columns), -1, np.int64)
    )
    left = []
    search = _Search(packed, score, columns, allowed)
    step = max(1, SCORES // packed.codes.count)
    for start in range(0, len(queries), step):
        compared = packed.compare(queries[start : start + step], search.barred)
        for number, query in enumerate(queries[start : start + step]):
            gone = -1 if exclude is None else int(exclude[start + number])
            nearest = search.nearest(compared, number, query, gone)
            if nearest is None:
                left.append(start + number)
            else:
                found.positions[start + number], found.scores[start + number] = nearest
    return found, np.array(left, np.int64)


class _Search:
    """One search for a number of rows, of those that may be found."""

    def __init__(
        self, packed: PackedRows, score: Score, columns: int, allowed: NDArray[np.bool_] | None
    ) -> None:
        self.packed, self.score, self.columns = packed, score, columns
        self.barred = None if allowed is None else ~allowed
        self.apart = packed.apart if allowed is None else packed.apart[allowed[packed.apart]]
        self.count = packed.codes.count if allowed is None else int(np.count_nonzero(allowed))

    def nearest(
        self, compared: Compared, number: int, query: NDArray[np.float32], gone: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
        """Return the places and the scores of a query's nearest; None where they are not sure."""
        wanted = self.columns + (gone >= 0)
        if min(self.count, MOST) <= wanted or not compared.fit(number):
            return None
        scores = compared.scores
        few = scores.highest(number, wanted)
        if len(few) > MOST:
            return None
        true = self._true(query, few, gone)
        worst = float(np.partition(true, len(true) - self.columns)[len(true) - self.columns])
        # What is at hand stays, however sure.
        low = min(compared.lowest(number, worst), float(scores.values[number, few].min()))
        low = max(low, -FURTHEST)  # no score is as low where they fit
        places = scores.from_(number, np.nextafter(np.float32(low), np.float32(-np.inf)))
        if len(places) + len(self.apart) > MOST:
            return None
        if len(self.apart):
            places = np.union1d(places, self.apart)
        true = self._true(query, places, gone)
        order = np.lexsort((places, -true))[: self.columns]
        return places[order], true[order]

    def _true(
        self, query: NDArray[np.float32], places: NDArray[np.int64], gone: int
    ) -> NDArray[np.float64]:
        true: NDArray[np.float64] = self.score(query[None], places[None])[0]
        true[places == gone] = -np.inf
        return true
