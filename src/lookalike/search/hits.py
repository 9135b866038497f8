"""From embeddings to hits: filter, search, name what was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import QueryError, SettingsError
from lookalike.search.examples import UNLIKE_WEIGHT, best_match, mean_query
from lookalike.search.nearest import nearest
from lookalike.search.settings import Combine, SearchSettings, check_combine
from lookalike.types import Hit, Hits, Metric

if TYPE_CHECKING:
    from lookalike.gallery import Gallery, SearchIndex
    from lookalike.search.spectral import SpectralIndex

__all__ = ["search", "search_examples"]


def search(
    gallery: Gallery,
    index: SearchIndex,
    queries: NDArray[np.float32],
    *,
    names: Sequence[str],
    k: int,
    where: str | None = None,
    exclude: NDArray[np.int64] | None = None,
    settings: SearchSettings | None = None,
    spectral: SpectralIndex | None = None,
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
        settings: expansion and re-ranking; None for neither.
        spectral: prepared from `index`; None prepares one if the settings need it.

    Returns:
        Hits of each query, closest first; ties in the gallery's order. Re-ranked hits carry the
        scores that ordered them.

    Raises:
        QueryError: k is less than 1, names and queries do not match, or a query is not finite.
        GalleryError: `where` is not understood.
        SettingsError: the settings mean nothing under the index's metric.
    """
    if len(names) != len(queries):
        raise QueryError(f"{len(names)} names for {len(queries)} queries: wanted one for each")
    found = nearest(
        index,
        queries,
        k,
        settings or SearchSettings(),
        allowed=gallery.positions(where),
        exclude=exclude,
        spectral=spectral,
    )
    return [
        Hits(name, _hits(gallery, index.metric, scores, positions), index.metric)
        for name, scores, positions in zip(names, found.scores, found.positions, strict=True)
    ]


def search_examples(
    gallery: Gallery,
    index: SearchIndex,
    like: NDArray[np.float32],
    unlike: NDArray[np.float32] | None = None,
    *,
    name: str,
    k: int,
    like_weights: Sequence[float] | None = None,
    unlike_weights: Sequence[float] | None = None,
    combine: Combine = "mean",
    weight: float = UNLIKE_WEIGHT,
    where: str | None = None,
    leave_out: NDArray[np.int64] | None = None,
    settings: SearchSettings | None = None,
    spectral: SpectralIndex | None = None,
) -> Hits:
    """Find the pictures closest to several examples taken together.

    Args:
        gallery: what is searched.
        index: the index over the gallery's embeddings.
        like: float32 (P, D), what to look for.
        unlike: float32 (M, D), what to keep away from.
        name: of the query, for the answer.
        k: hits; min(k, pictures that may be found) come back.
        like_weights: how much each of `like` counts, above 0; None for 1 each.
        unlike_weights: the same of `unlike`.
        combine: "mean" makes one query of all, "best" takes each picture's best match.
        weight: of `unlike`, where that of `like` is 1.
        where: SQL over the gallery's columns; only pictures for which it holds are searched.
        leave_out: places that must not be found, in general those of the examples.
        settings: expansion and re-ranking, with "mean" only; None for neither.
        spectral: prepared from `index`; None prepares one if the settings need it.

    Raises:
        QueryError: k is less than 1, there is no example, or one is not finite.
        GalleryError: `where` is not understood.
        SettingsError: the settings or weights mean nothing under the metric or with "best".
    """
    settings = settings or SearchSettings()
    allowed = gallery.positions(where)
    gone = np.zeros(0, np.int64) if leave_out is None else np.unique(leave_out)
    if len(gone) and (allowed is not None or not settings.plain):
        every = np.arange(len(gallery)) if allowed is None else allowed
        allowed, gone = np.setdiff1d(every, gone), gone[:0]
    more = k + len(gone) if k >= 1 else k  # cheaper than a search of all but these
    if check_combine(combine) == "mean":
        query = mean_query(
            like,
            unlike,
            metric=index.metric,
            weight=weight,
            like_weights=like_weights,
            unlike_weights=unlike_weights,
        )
        found = nearest(index, query, more, settings, allowed=allowed, spectral=spectral)
    elif not settings.plain:
        raise SettingsError("combine best has no one query to expand or re-rank: combine by mean")
    elif like_weights is not None or unlike_weights is not None:
        raise SettingsError("combine best takes each example for itself: combine by mean to weigh")
    else:
        found = best_match(index, like, more, unlike, weight=weight, allowed=allowed)
    stay = ~np.isin(found.positions[0], gone)
    scores, positions = found.scores[0][stay][:k], found.positions[0][stay][:k]
    return Hits(name, _hits(gallery, index.metric, scores, positions), index.metric)


def _hits(
    gallery: Gallery, metric: Metric, scores: NDArray[np.float64], positions: NDArray[np.int64]
) -> tuple[Hit, ...]:
    """Return the hits of one query, without the places left empty."""
    there = positions >= 0
    positions, scores = positions[there], scores[there]
    distances = 1 - scores if metric == "cosine" else -scores
    names, labels = gallery.paths_at(positions), gallery.labels_at(positions)
    return tuple(
        Hit(rank, name, float(score), float(distance), label)
        for rank, (name, score, distance, label) in enumerate(
            zip(names, scores, distances, labels, strict=True), start=1
        )
    )
