"""From embeddings to hits: filter, search, name what was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import QueryError
from lookalike.types import Hit, Hits, Metric

if TYPE_CHECKING:
    from lookalike.gallery import ExactIndex, Gallery

__all__ = ["search"]


def search(
    gallery: Gallery,
    index: ExactIndex,
    queries: NDArray[np.float32],
    *,
    names: Sequence[str],
    k: int,
    where: str | None = None,
    exclude: NDArray[np.int64] | None = None,
) -> list[Hits]:
    """Find the pictures closest to each query.

    Args:
        gallery: what is searched.
        index: the index over the gallery's embeddings.
        queries: float32 (Q, D).
        names: of the queries, for the answer.
        k: hits per query; min(k, pictures that may be found) come back.
        where: SQL over the gallery's columns; only pictures for which it holds are searched.
        exclude: int64 (Q,), the place each query must not find, or -1.

    Returns:
        Hits of each query, closest first; ties in the gallery's order.

    Raises:
        QueryError: k is less than 1, names and queries do not match, or a query is not finite.
        GalleryError: `where` is not understood.
    """
    if len(names) != len(queries):
        raise QueryError(f"{len(names)} names for {len(queries)} queries: wanted one for each")
    found = index.search(queries, k, allowed=gallery.positions(where), exclude=exclude)
    return [
        Hits(name, _hits(gallery, index.metric, scores, positions), index.metric)
        for name, scores, positions in zip(names, found.scores, found.positions, strict=True)
    ]


def _hits(
    gallery: Gallery, metric: Metric, scores: NDArray[np.float64], positions: NDArray[np.int64]
) -> tuple[Hit, ...]:
    """Return the hits of one query, without the places left empty."""
    distances = 1 - scores if metric == "cosine" else -scores
    return tuple(
        Hit(rank, gallery.paths[position], float(score), float(distance), gallery.labels[position])
        for rank, (position, score, distance) in enumerate(
            zip(positions, scores, distances, strict=True), start=1
        )
        if position >= 0
    )
