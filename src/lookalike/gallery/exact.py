"""Exact search in memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery.neighbours import Neighbours, check_queries, distinct
from lookalike.gallery.scan import (
    EQUAL,
    VALUES,
    Block,
    Prepared,
    block_rows,
    prepare,
    scan,
    true_scores,
)
from lookalike.types import Metric, check_metric

__all__ = ["ExactIndex"]

# Rows that are not as faiss wants them are kept as a copy up to so many bytes; beyond, every search
# makes them ready anew, a block at a time: slower, in half the memory.
KEPT_BYTES = 256_000_000
# Lengths that differ by no more than this share count as one where a copy would be too large: more
# candidates make up for it. Rounding to float16 makes less of a difference.
NEARLY_EQUAL = 2e-3
# Centring pays where the rows are this many times further from the origin than from their mean.
FAR = 2.0


class ExactIndex:
    """Embeddings in memory, searched one by one; see `SearchIndex`.

    Args:
        embeddings: float32 (N, D), kept, not copied.
        metric: "euclidean", "cosine" or "inner".
    """

    def __init__(self, embeddings: NDArray[np.float32], metric: Metric) -> None:
        self.metric: Metric = check_metric(metric)
        self.embeddings = embeddings
        squares = np.einsum("nd,nd->n", embeddings, embeddings, dtype=np.float64)
        self._centre = self._far_centre(squares) if metric == "euclidean" else None
        self._prepared = self._prepare(squares)

    def __len__(self) -> int:
        return len(self.embeddings)

    @property
    def width(self) -> int:
        """How many numbers an embedding has, D."""
        return int(self.embeddings.shape[1])

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
        queries = check_queries(queries, k, self.width)
        places = None if allowed is None else distinct(allowed, len(self))
        return scan(
            lambda: self._blocks(places),
            queries,
            self.metric,
            columns=min(k, len(self)),
            count=len(self) if places is None else len(places),
            exclude=exclude,
            centre=self._centre,
        )

    def score(self, queries: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the true scores, float64 (Q, C), of each query with its own `places` (Q, C)."""
        scores = np.empty(places.shape)
        step = max(1, VALUES // max(1, self.width))
        for number, query in enumerate(queries.astype(np.float64)):
            for start in range(0, places.shape[1], step):
                rows = self.rows(places[number, start : start + step]).astype(np.float64)
                scores[number, start : start + step] = true_scores(self.metric, query, rows)
        return scores

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the embeddings of some places, float32 (..., D) for places of any shape."""
        return self.embeddings[places]

    def _blocks(self, places: NDArray[np.int64] | None) -> Iterator[Block]:
        """Give what is searched: everything at once where nothing has to be copied for it."""
        if places is None and self._prepared is not None:
            yield Block(self.embeddings, None, self._prepared)
            return
        every = np.arange(len(self)) if places is None else places
        step = block_rows(self.width)
        for start in range(0, len(every), step):
            chosen = every[start : start + step]
            rows = self.embeddings[chosen]
            kept = self._prepared
            prepared = (
                prepare(rows, self.metric, self._centre) if kept is None else kept.part(chosen)
            )
            yield Block(rows, chosen, prepared)

    def _far_centre(self, squares: NDArray[np.float64]) -> NDArray[np.float32] | None:
        centre = self.embeddings.mean(axis=0, dtype=np.float64)
        around = squares.mean() - np.square(centre).sum() if len(self) else 0.0
        far = squares.mean() > FAR * max(around, 0.0) if len(self) else False
        return centre.astype(np.float32) if far else None

    def _prepare(self, squares: NDArray[np.float64]) -> Prepared | None:
        """Return the rows for faiss; None where they are many and no use as they are."""
        longest = float(np.sqrt(squares.max(initial=0)))
        plain = np.ascontiguousarray(self.embeddings)
        if self.metric == "inner" or (self.metric == "euclidean" and self._centre is None):
            return Prepared(plain, longest)
        kept = self.embeddings.size * 4 <= KEPT_BYTES
        if self.metric == "cosine" and len(self):
            shortest = float(np.sqrt(squares.min()))
            if shortest > 0 and longest <= shortest * (1 + (EQUAL if kept else NEARLY_EQUAL)):
                return Prepared(plain, longest, longest, 2 * (longest / shortest - 1))
        return prepare(self.embeddings, self.metric, self._centre) if kept else None
