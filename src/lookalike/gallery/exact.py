"""Exact search in memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery.neighbours import Neighbours, check_queries
from lookalike.gallery.packed import PackedRows, pack
from lookalike.gallery.packed_search import search_packed
from lookalike.gallery.prepared import (
    EQUAL,
    Block,
    Prepared,
    block_rows,
    prepare,
    prepared_as_they_are,
    squares_of,
    unit_rows,
)
from lookalike.gallery.rounding import Rounding
from lookalike.gallery.scan import scan, true_scores_of
from lookalike.types import Metric, check_metric

__all__ = ["ExactIndex"]

# Rows that are not as they are compared are kept as a copy up to so many bytes; beyond, every
# search makes them ready anew, a block at a time: slower, in half the memory.
KEPT_BYTES = 256_000_000
# Lengths that differ by no more than this share count as one where a copy would be too large: more
# candidates make up for it. Rounding to float16 makes less of a difference.
NEARLY_EQUAL = 2e-3
# Rows of so many numbers together, or more, are rounded to 8 bits, of at most so many bytes; in a
# search of so many queries or fewer, a larger batch is quicker multiplied as a matrix.
ENOUGH, PACKED_BYTES, BATCH = 4_000_000, 256_000_000, 32
# Of more neighbours, the candidates take longer than the products.
DEEP = 300
# With a filter that leaves a smaller share, its rows are compared alone.
FEW = 1 / 32
# Centring pays where the rows are this many times further from the origin than from their mean.
FAR = 2.0


class ExactIndex:
    """Embeddings in memory, searched one by one; see `SearchIndex`.

    Many searches of few queries make it keep the embeddings in 8 bits as well, which give the
    candidates: a quarter of the bytes to read for each search, and of the memory, in addition.

    Args:
        embeddings: float32 (N, D), kept, not copied.
        metric: "euclidean", "cosine" or "inner".
        rounds: keep them in 8 bits too where that pays; False never does.
    """

    def __init__(
        self, embeddings: NDArray[np.float32], metric: Metric, *, rounds: bool = True
    ) -> None:
        self.metric: Metric = check_metric(metric)
        self.embeddings = embeddings
        pays = rounds and ENOUGH <= embeddings.size <= PACKED_BYTES
        self._rounding = Rounding(self._pack, pays=pays)

    def __len__(self) -> int:
        return len(self.embeddings)

    @property
    def width(self) -> int:
        """How many numbers an embedding has, D."""
        return int(self.embeddings.shape[1])

    @property
    def packed(self) -> bool:
        """Whether the embeddings are kept in 8 bits as well."""
        return self._rounding.rows is not None

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
        there = None if allowed is None else _mask(allowed, len(self))
        share = 1.0 if there is None else np.count_nonzero(there) / max(1, len(self))
        if len(queries) <= BATCH and k <= DEEP and share >= FEW:
            packed = self._rounding.in_time(len(queries))
            if packed is not None:
                return self._search_packed(packed, queries, k, there, exclude)
        return self._search_rows(queries, k, there, exclude)

    def quicken(self) -> None:
        """Get ready for many searches of few queries now; else some of them do it."""
        self._rounding.now()

    def score(self, queries: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the true scores, float64 (Q, C), of each query with its own `places` (Q, C)."""
        return true_scores_of(self.metric, queries, self.rows, places)

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the embeddings of some places, float32 (..., D) for places of any shape."""
        return self.embeddings[places]

    def _search_packed(
        self,
        packed: PackedRows,
        queries: NDArray[np.float32],
        k: int,
        there: NDArray[np.bool_] | None,
        exclude: NDArray[np.int64] | None,
    ) -> Neighbours:
        columns = min(k, len(self))
        found, left = search_packed(
            packed, self.score, queries, columns, allowed=there, exclude=exclude
        )
        if len(left):
            gone = None if exclude is None else exclude[left]
            rest = self._search_rows(queries[left], k, there, gone)
            found.scores[left], found.positions[left] = rest.scores, rest.positions
        return found

    def _search_rows(
        self,
        queries: NDArray[np.float32],
        k: int,
        there: NDArray[np.bool_] | None,
        exclude: NDArray[np.int64] | None,
    ) -> Neighbours:
        places = None if there is None else np.flatnonzero(there)
        return scan(
            lambda: self._blocks(places),
            queries,
            self.metric,
            columns=min(k, len(self)),
            count=len(self) if places is None else len(places),
            exclude=exclude,
            centre=self._centre,
        )

    def _pack(self) -> PackedRows | None:
        return pack(self.embeddings, self.metric, self._centre)

    def _blocks(self, places: NDArray[np.int64] | None) -> Iterator[Block]:
        """Give what is searched: everything at once where nothing has to be copied for it."""
        if places is None and self._prepared is not None:
            yield Block(self.embeddings, None, self._prepared)
            return
        every = np.arange(len(self)) if places is None else places
        step = block_rows(self.width)
        for start in range(0, len(every), step):
            chosen = every[start : start + step]
            kept = self._prepared
            if kept is None:
                rows = self.embeddings[chosen]
                prepared = prepare(rows, self.metric, self._centre)
            else:
                prepared = kept.part(chosen)
                once = kept.rows is self.embeddings
                rows = prepared.rows if once else self.embeddings[chosen]
            yield Block(rows, chosen, prepared)

    @cached_property
    def _squares(self) -> NDArray[np.float64]:
        """float64 (N,), the squared lengths of the rows, up to rounding in float32."""
        return squares_of(self.embeddings)

    @cached_property
    def _centre(self) -> NDArray[np.float32] | None:
        """float32 (D,), the mean of the rows where they are far from the origin."""
        if self.metric != "euclidean" or not len(self):
            return None
        squares = self._squares.mean()
        centre = self.embeddings.mean(axis=0, dtype=np.float64)
        around = max(squares - np.square(centre).sum(), 0.0)
        return centre.astype(np.float32) if squares > FAR * around else None

    @cached_property
    def _prepared(self) -> Prepared | None:
        """The rows to compare in float32; None where they are many and no use as they are."""
        kept = self.embeddings.size * 4 <= KEPT_BYTES
        if self._centre is None:
            equal = EQUAL if kept else NEARLY_EQUAL
            found = prepared_as_they_are(self.embeddings, self.metric, self._squares, equal)
            if found is not None:
                return found
            if kept:  # by cosine, of different lengths
                return Prepared(unit_rows(self.embeddings), 1.0)
        return prepare(self.embeddings, self.metric, self._centre) if kept else None


def _mask(places: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    there = np.zeros(count, np.bool_)
    there[places] = True
    return there
