"""Search by the index on the disk: nearly exact, in little memory, in milliseconds."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import GalleryError
from lookalike.gallery.facts import IndexFacts
from lookalike.gallery.neighbours import Neighbours, check_queries, distinct
from lookalike.gallery.opened import Gallery
from lookalike.gallery.streamed import StreamedIndex
from lookalike.types import Metric, check_metric

__all__ = ["GraphIndex"]

# Beyond so many candidates the graph is hardly faster than reading everything.
MOST = 500
# With a filter so many times the candidates are asked for that are wanted after it: the nearest of
# all that it leaves are the nearest that it leaves.
SPARE = 2
# Where so few may be found, or this share, they are compared one by one.
FEW = 20_000
FEW_SHARE = 0.02


class GraphIndex:
    """A gallery with Lance's IVF_HNSW_SQ index; see `SearchIndex`.

    The index gives candidates by rounded embeddings; their stored embeddings put them in order, so
    that scores are the true ones. What was added or changed since the index was built is found by
    comparing with each of it, what was removed is not found. A search for very many, or among very
    few, reads the embeddings themselves and is exact.

    Args:
        gallery: that has an index.
        metric: one that the index serves.
        facts: how thoroughly to look; None for as the gallery says.

    Raises:
        GalleryError: it has none, or one for another metric.
    """

    def __init__(self, gallery: Gallery, metric: Metric, facts: IndexFacts | None = None) -> None:
        self.metric: Metric = check_metric(metric)
        self.gallery = gallery
        found = facts or gallery.index_facts
        if found is None or not found.serves(metric):
            has = "has no index" if found is None else f"is indexed for {found.metric} alone"
            raise GalleryError(
                f"the gallery at {gallery.directory} {has} and cannot be searched by {metric} with "
                "it: make one with `lookalike accelerate`"
            )
        self.facts = found
        self._exact = StreamedIndex(gallery, metric)

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
        """Find about the k nearest of each query.

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
        columns = min(k, len(self))
        count = (columns + (exclude is not None)) * self.facts.refine
        places = np.arange(len(self)) if allowed is None else distinct(allowed, len(self))
        if allowed is not None:
            count = ceil(SPARE * count * len(self) / max(1, len(places)))
        few = len(places) <= max(FEW, FEW_SHARE * len(self)) and allowed is not None
        if few or count > min(MOST, len(self)):
            return self._exact.search(queries, k, allowed=allowed, exclude=exclude)
        mask = None if allowed is None else np.isin(np.arange(len(self)), places)
        wanted = columns * self.facts.refine
        found = Neighbours(
            np.full((len(queries), columns), -np.inf),
            np.full((len(queries), columns), -1, np.int64),
        )
        lacking = []
        for number, query in enumerate(queries):
            near = np.sort(self.gallery.nearest(query, count, self.facts))
            if mask is not None:
                near = near[mask[near]]
            if exclude is not None:
                near = near[near != exclude[number]]
            if len(near) < wanted:
                lacking.append(number)
            scores = self.score(query[None], near[None])[0]
            order = np.argsort(-scores, kind="stable")[:columns]
            found.scores[number, : len(order)] = scores[order]
            found.positions[number, : len(order)] = near[order]
        self._look_again(lacking, found, queries, k, allowed, exclude)
        return found

    def score(self, queries: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the true scores, float64 (Q, C), of each query with its own `places` (Q, C)."""
        return self._exact.score(queries, places)

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the embeddings of some places, float32 (..., D) for places of any shape."""
        return self.gallery.rows(places)

    def _look_again(
        self,
        lacking: list[int],
        found: Neighbours,
        queries: NDArray[np.float32],
        k: int,
        allowed: NDArray[np.int64] | None,
        exclude: NDArray[np.int64] | None,
    ) -> None:
        """Search exactly for queries near which the filter leaves little."""
        if not lacking:
            return
        gone = None if exclude is None else exclude[lacking]
        exact = self._exact.search(queries[lacking], k, allowed=allowed, exclude=gone)
        found.scores[lacking], found.positions[lacking] = exact.scores, exact.positions
