"""Exact search in memory: faiss finds candidates in float32, float64 puts them in order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import QueryError
from lookalike.types import Metric, check_metric

__all__ = ["ExactIndex", "Neighbours"]

# More candidates than asked for, so that rounding in float32 cannot hide a true neighbour.
MARGIN = 16
# Float64 values gathered at once when candidates are scored again (64 MB).
BLOCK = 8_000_000
EPSILON = float(np.finfo(np.float32).eps)
# Products below TINY vanish in float32; sums near LARGEST may have overflowed on the way.
TINY = float(np.finfo(np.float32).tiny)
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Neighbours:
    """The nearest of each query, closest first, ties in the order of their places.

    Attributes:
        scores: float64 (Q, k), higher is closer; -inf where there are fewer than k.
        positions: int64 (Q, k), places in the gallery; -1 where there are fewer than k.
    """

    scores: NDArray[np.float64]
    positions: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.scores.shape != self.positions.shape:
            raise QueryError(
                f"neighbours do not match: scores {self.scores.shape}, "
                f"positions {self.positions.shape}"
            )


class ExactIndex:
    """Embeddings in memory, searched one by one.

    Scores are minus the Euclidean distance, the cosine (0 with a zero vector) or the inner
    product, each computed in float64 from the embeddings as they are stored.

    Args:
        embeddings: float32 (N, D), kept, not copied.
        metric: "euclidean", "cosine" or "inner".
    """

    def __init__(self, embeddings: NDArray[np.float32], metric: Metric) -> None:
        self.metric: Metric = check_metric(metric)
        self.embeddings = embeddings
        # Distances far from the origin cancel in float32: centred, they do not.
        self._centre = embeddings.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._work = self._prepare(embeddings)
        squares = np.einsum("nd,nd->n", self._work, self._work, dtype=np.float64)
        self._longest = float(np.sqrt(squares.max(initial=0)))

    def __len__(self) -> int:
        return len(self.embeddings)

    def search(
        self,
        queries: NDArray[np.float32],
        k: int,
        *,
        allowed: NDArray[np.int64] | None = None,
        exclude: NDArray[np.int64] | None = None,
    ) -> Neighbours:
        """Find the k nearest of each query.

        Args:
            queries: float32 (Q, D).
            k: neighbours per query; min(k, N) columns come back.
            allowed: places that may be found; None for all.
            exclude: int64 (Q,), one place that each query must not find, or -1.

        Raises:
            QueryError: k is less than 1, or the queries are not finite or not D wide.
        """
        queries = self._check(queries, k)
        places = None if allowed is None else np.unique(allowed)
        count = len(self) if places is None else len(places)
        columns = min(k, len(self))
        scores = np.full((len(queries), columns), -np.inf)
        positions = np.full((len(queries), columns), -1, np.int64)
        left_out = exclude if exclude is not None and (exclude >= 0).any() else None
        wanted = min(columns + (left_out is not None), count)
        if wanted:
            rows = _Rows(self, places, queries, left_out, columns)
            rows.fill(wanted, count, scores, positions)
        return Neighbours(scores, positions)

    def _prepare(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return rows such that faiss's plain kernels order them by this metric."""
        if self.metric == "euclidean":
            return np.ascontiguousarray(rows - self._centre)
        if self.metric == "cosine":
            lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
            return np.ascontiguousarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)
        return np.ascontiguousarray(rows)

    def _check(self, queries: NDArray[np.float32], k: int) -> NDArray[np.float32]:
        if k < 1:
            raise QueryError(f"k is {k}: wanted 1 or more")
        width = self.embeddings.shape[1]
        if queries.ndim != 2 or queries.shape[1] != width:
            raise QueryError(f"queries are {queries.shape}: wanted (Q, {width})")
        if not np.isfinite(queries).all():
            raise QueryError("a query's embedding holds NaN or infinity: train the encoder again")
        return np.ascontiguousarray(queries, dtype=np.float32)

    def _candidates(
        self, queries: NDArray[np.float32], places: NDArray[np.int64] | None, count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return places (Q, count) of the nearest in float32, and the last one's float32 score."""
        import faiss

        work = self._work if places is None else self._work[places]
        euclidean = self.metric == "euclidean"
        kind = faiss.METRIC_L2 if euclidean else faiss.METRIC_INNER_PRODUCT
        values, found = faiss.knn(self._prepare(queries), work, count, metric=kind)
        last = values[:, -1].astype(np.float64)
        found = found.astype(np.int64)
        return (found if places is None else places[found]), (-last if euclidean else last)

    def _doubt(self, queries: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return how far a float32 score of faiss may be from the true one, for each query.

        The usual bound of a sum of D products, on |q||x|, and on (|q| + |x|)² for distances,
        which faiss may compute as |q|² + |x|² - 2qx; infinite where float32 may overflow.
        """
        lengths = np.linalg.norm(self._prepare(queries).astype(np.float64), axis=1)
        terms = EPSILON * (queries.shape[1] + 8)
        largest = lengths * self._longest
        if self.metric == "euclidean":
            largest = 2 * (lengths + self._longest) ** 2
        doubt = terms * largest + 2 * queries.shape[1] * TINY
        return np.asarray(np.where(largest < LARGEST / 4, doubt, np.inf))

    def score(self, queries: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the true scores, float64 (Q, C), of each query with its own `places` (Q, C)."""
        scores = np.empty(places.shape)
        width = self.embeddings.shape[1]
        step = max(1, BLOCK // max(1, width))
        for number, query in enumerate(queries.astype(np.float64)):
            for start in range(0, places.shape[1], step):
                block = places[number, start : start + step]
                rows = self.embeddings[block].astype(np.float64)
                scores[number, start : start + step] = self._true_scores(query, rows)
        return scores

    def _true_scores(
        self, query: NDArray[np.float64], rows: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        if self.metric == "euclidean":
            return np.asarray(-np.sqrt(np.square(rows - query).sum(axis=1)))
        # Not `rows @ query`: BLAS rounds a row by its place, and equal pictures must tie.
        products: NDArray[np.float64] = (rows * query).sum(axis=1)
        if self.metric == "inner":
            return products
        lengths = np.sqrt(np.square(rows).sum(axis=1)) * np.sqrt(np.square(query).sum())
        return np.asarray(products / np.where(lengths > 0, lengths, 1))


class _Rows:
    """The queries of one call, widened until no neighbour can have been missed."""

    def __init__(
        self,
        index: ExactIndex,
        places: NDArray[np.int64] | None,
        queries: NDArray[np.float32],
        exclude: NDArray[np.int64] | None,
        columns: int,
    ) -> None:
        self.index = index
        self.places = places
        self.queries = queries
        self.exclude = exclude
        self.columns = columns

    def fill(
        self,
        wanted: int,
        count: int,
        scores: NDArray[np.float64],
        positions: NDArray[np.int64],
    ) -> None:
        open_rows = np.arange(len(self.queries))
        asked = wanted + max(MARGIN, wanted // 8)
        while len(open_rows):
            # A long list is no shorter than scoring everything in float64.
            everything = asked * 4 >= count
            sure = self._fill_some(open_rows, count if everything else asked, wanted, count,
                                   scores, positions)  # fmt: skip
            open_rows = open_rows[~sure]
            asked *= 4

    def _fill_some(
        self,
        rows: NDArray[np.int64],
        asked: int,
        wanted: int,
        count: int,
        scores: NDArray[np.float64],
        positions: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Search for `rows`, asking for so many candidates; return for which that was enough."""
        queries = self.queries[rows]
        index = self.index
        if asked >= count:
            every = np.arange(len(index)) if self.places is None else self.places
            found = np.broadcast_to(every, (len(rows), count))
            last = np.full(len(rows), -np.inf)
        else:
            found, last = index._candidates(queries, self.places, asked)
            found = np.sort(found, axis=1)
        true = index.score(queries, found)
        worst = -np.partition(-true, wanted - 1, axis=1)[:, wanted - 1]
        if index.metric == "euclidean":
            worst = -np.square(worst)  # faiss's scale: squared distances
        sure: NDArray[np.bool_] = (asked >= count) | (worst - index._doubt(queries) >= last)
        if self.exclude is not None:
            true = np.where(found == self.exclude[rows, None], -np.inf, true)
        order = np.argsort(-true, axis=1, kind="stable")[:, : self.columns]
        width = order.shape[1]
        best = np.take_along_axis(true, order, axis=1)
        scores[rows, :width] = best
        positions[rows, :width] = np.where(
            best > -np.inf, np.take_along_axis(found, order, axis=1), -1
        )
        return sure
