"""The nearest of each query, with whatever the settings add: expansion, then re-ranking."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import SettingsError
from lookalike.gallery import ExactIndex, Neighbours, SearchIndex
from lookalike.search.diffusion import DIFFUSION_DEPTH, diffuse
from lookalike.search.expansion import expand_queries
from lookalike.search.rerank import RECIPROCAL_DEPTH, k_reciprocal
from lookalike.search.settings import SearchSettings
from lookalike.search.spectral import SpectralIndex

__all__ = ["nearest"]


def nearest(
    index: SearchIndex,
    queries: NDArray[np.float32],
    k: int,
    settings: SearchSettings,
    *,
    allowed: NDArray[np.int64] | None = None,
    exclude: NDArray[np.int64] | None = None,
    spectral: SpectralIndex | None = None,
) -> Neighbours:
    """Find the k nearest of each query as the settings say.

    Args:
        index: over the gallery.
        queries: float32 (Q, D).
        k: neighbours per query; min(k, N) columns come back.
        settings: what to do beyond taking the nearest; the default does nothing.
        allowed: places that may be found, added to a query or re-ranked; None for all.
        exclude: int64 (Q,), one place that each query must not find, or -1.
        spectral: prepared from `index`; None prepares one if the settings need it.

    Raises:
        QueryError: k is less than 1, or the queries are not finite or not D wide.
        SettingsError: the settings mean nothing under the index's metric, or need all embeddings
            in memory, where they are not.
    """
    settings.check_metric(index.metric)
    if settings.expand:
        found = index.search(queries, settings.expand, allowed=allowed, exclude=exclude)
        queries = expand_queries(index, queries, found, alpha=settings.power)
    if settings.rerank == "spectral":
        if spectral is None:
            if not isinstance(index, ExactIndex):
                raise SettingsError(
                    "rerank spectral needs all embeddings in memory: wanted search exact with it"
                )
            spectral = SpectralIndex(index)
        return spectral.search(queries, k, allowed=allowed, exclude=exclude)
    if settings.rerank is None:
        return index.search(queries, k, allowed=allowed, exclude=exclude)
    reciprocal = settings.rerank == "k-reciprocal"
    depth = settings.depth or (RECIPROCAL_DEPTH if reciprocal else DIFFUSION_DEPTH)
    found = index.search(queries, max(k, depth) if k >= 1 else k, allowed=allowed, exclude=exclude)
    rerank = k_reciprocal if reciprocal else diffuse
    ordered = rerank(index, queries, found, depth=depth)
    return Neighbours(ordered.scores[:, :k], ordered.positions[:, :k])
