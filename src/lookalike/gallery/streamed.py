"""Exact search of embeddings on the disk: as much memory for a million as for a thousand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery.neighbours import Neighbours, check_queries, distinct
from lookalike.gallery.opened import Gallery
from lookalike.gallery.prepared import Block, block_rows, prepare
from lookalike.gallery.scan import scan, true_scores
from lookalike.types import Metric, check_metric

__all__ = ["StreamedIndex"]

# Below this share of all rows, those that may be found are fetched one by one.
FEW = 0.02
# Rows that the centre is taken from.
SAMPLE = 1_000

Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class StreamedIndex:
    """A gallery whose embeddings are read anew for every search; see `SearchIndex`.

    Args:
        gallery: whose embeddings are searched.
        metric: "euclidean", "cosine" or "inner".
        change: done to embeddings (n, D) as they are read; None leaves them as they are.
    """

    def __init__(self, gallery: Gallery, metric: Metric, change: Change | None = None) -> None:
        self.metric: Metric = check_metric(metric)
        self.gallery = gallery
        self._change = change

    def __len__(self) -> int:
        return len(self.gallery)

    @property
    def width(self) -> int:
        """How many numbers an embedding has, D."""
        return self.gallery.width

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
            GalleryError: the gallery cannot be read.
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
        step = block_rows(2 * self.width)
        for number, query in enumerate(queries.astype(np.float64)):
            for start in range(0, places.shape[1], step):
                rows = self.rows(places[number, start : start + step]).astype(np.float64)
                scores[number, start : start + step] = true_scores(self.metric, query, rows)
        return scores

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the embeddings of some places, float32 (..., D) for places of any shape."""
        rows = self.gallery.rows(places)
        if self._change is None:
            return rows
        return self._change(rows.reshape(-1, self.width)).reshape(rows.shape)

    def _blocks(self, places: NDArray[np.int64] | None) -> Iterator[Block]:
        if places is not None and len(places) < FEW * len(self):
            step = block_rows(self.width)
            for start in range(0, len(places), step):
                chosen = places[start : start + step]
                yield self._block(chosen, self.rows(chosen))
            return
        wanted = None
        if places is not None:
            wanted = np.zeros(len(self), np.bool_)
            wanted[places] = True
        for found, rows in self.gallery.blocks():
            here, kept = found, rows
            if wanted is not None:
                here, kept = found[wanted[found]], rows[wanted[found]]
            yield self._block(here, kept if self._change is None else self._change(kept))

    def _block(self, places: NDArray[np.int64], rows: NDArray[np.float32]) -> Block:
        return Block(rows, places, prepare(rows, self.metric, self._centre))

    @cached_property
    def _centre(self) -> NDArray[np.float32] | None:
        """About the mean of all rows, from a few of them; see `prepare`."""
        if self.metric != "euclidean" or not len(self):
            return None
        step = max(1, len(self) // SAMPLE)
        return np.asarray(self.rows(np.arange(0, len(self), step)).mean(axis=0), np.float32)
