"""One look at the gallery for two questions: what is closest to a query, and is that its like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery import Neighbours, SearchIndex
from lookalike.types import Metric

__all__ = ["LookedUp"]


class LookedUp:
    """A `SearchIndex` for one call: a search of all of the gallery is kept for the next.

    Args:
        index: what is searched.
        depth: neighbours that will be asked for later; so many are sought at once.
    """

    def __init__(self, index: SearchIndex, depth: int) -> None:
        self._index = index
        self._depth = depth
        self._key: tuple[bytes, bytes] | None = None
        self._found: Neighbours | None = None

    @property
    def metric(self) -> Metric:
        """What orders the neighbours."""
        return self._index.metric

    @property
    def width(self) -> int:
        """How many numbers an embedding has, D."""
        return self._index.width

    def __len__(self) -> int:
        return len(self._index)

    def search(
        self,
        queries: NDArray[np.float32],
        k: int,
        *,
        allowed: NDArray[np.int64] | None = None,
        exclude: NDArray[np.int64] | None = None,
    ) -> Neighbours:
        """Find the k nearest of each query; see `SearchIndex.search`."""
        if allowed is not None or k < 1:
            return self._index.search(queries, k, allowed=allowed, exclude=exclude)
        key = (queries.tobytes(), b"" if exclude is None else exclude.tobytes())
        found = self._found
        enough = found is not None and found.positions.shape[1] >= min(k, len(self))
        if found is None or key != self._key or not enough:
            found = self._index.search(queries, max(k, self._depth), exclude=exclude)
            self._key, self._found = key, found
        return Neighbours(found.scores[:, :k], found.positions[:, :k])

    def score(self, queries: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the true scores, float64 (Q, C), of each query with its own `places` (Q, C)."""
        return self._index.score(queries, places)

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the embeddings of some places, float32 (..., D) for places of any shape."""
        return self._index.rows(places)
