"""Queries embedded: those that the gallery knows by it, the rest in one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.queries import Query

if TYPE_CHECKING:
    from lookalike.encoder import Embedded
    from lookalike.gallery import Gallery

__all__ = ["EmbeddedQueries", "embed_queries"]


@dataclass(frozen=True)
class EmbeddedQueries:
    """Queries and their embeddings.

    Attributes:
        queries: as they were, with the errors of those that were embedded.
        embeddings: float32 (N, D).
    """

    queries: list[Query]
    embeddings: NDArray[np.float32]


def embed_queries(
    queries: Sequence[Query],
    gallery: Gallery,
    embed: Callable[[NDArray[np.uint8]], Embedded],
) -> EmbeddedQueries:
    """Embed queries, but for those whose embedding is known.

    Args:
        queries: what is searched for.
        gallery: knows some of them.
        embed: what embeds pixels, uint8 (M, H, W, C).
    """
    found = list(queries)
    embeddings = np.empty((len(queries), gallery.width), np.float32)
    known, fresh = [], {}
    for number, query in enumerate(queries):
        if query.embedding is not None:
            embeddings[number] = query.embedding
        elif query.pixels is not None:
            fresh[number] = query.pixels
        else:
            known.append(number)
    if known:
        places = np.array([queries[number].position for number in known], np.int64)
        embeddings[known] = gallery.rows(places)
    if fresh:
        made = embed(np.stack(list(fresh.values())))
        embeddings[list(fresh)] = made.embeddings
        for row, number in enumerate(fresh):
            error = None if made.errors is None else float(made.errors[row])
            found[number] = replace(queries[number], error=error)
    return EmbeddedQueries(found, embeddings)
