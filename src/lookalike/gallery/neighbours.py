"""What every index gives, and what it can be asked: the contract of search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import QueryError
from lookalike.types import Metric

__all__ = ["Neighbours", "SearchIndex", "check_queries", "distinct"]


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


class SearchIndex(Protocol):
    """What can be searched for the nearest, however it does that.

    Scores are minus the Euclidean distance, the cosine (0 with a zero vector) or the inner
    product, each computed in float64 from the embeddings as they are stored.
    """

    @property
    def metric(self) -> Metric:
        """What orders the neighbours."""

    @property
    def width(self) -> int:
        """How many numbers an embedding has, D."""

    def __len__(self) -> int:
        """Return how many embeddings there are, N."""

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

    def score(self, queries: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the true scores, float64 (Q, C), of each query with its own `places` (Q, C)."""

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the embeddings of some places, float32 (..., D) for places of any shape."""


def check_queries(queries: NDArray[np.float32], k: int, width: int) -> NDArray[np.float32]:
    """Return queries as they are compared: float32, contiguous.

    Raises:
        QueryError: k is less than 1, or the queries are not finite or not `width` wide.
    """
    if k < 1:
        raise QueryError(f"k is {k}: wanted 1 or more")
    if queries.ndim != 2 or queries.shape[1] != width:
        raise QueryError(f"queries are {queries.shape}: wanted (Q, {width})")
    if not np.isfinite(queries).all():
        raise QueryError("a query's embedding holds NaN or infinity: train the encoder again")
    return np.ascontiguousarray(queries, dtype=np.float32)


def distinct(places: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return places in order and each once; of a million numpy's `unique` would take seconds.

    Args:
        places: in any order.
        count: of all places there are.

    >>> distinct(np.array([3, 1, 3]), 5).tolist()
    [1, 3]
    """
    there = np.zeros(count, np.bool_)
    there[places] = True
    return np.flatnonzero(there)
