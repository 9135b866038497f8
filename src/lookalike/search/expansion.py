"""Query expansion: the query moves towards what it has found.

Average query expansion: Chum et al., "Total Recall: Automatic Query Expansion with a Generative
Feature Model for Object Retrieval" (2007), section 4. Alpha-weighted: Radenović, Tolias and Chum,
"Fine-tuning CNN Image Retrieval with No Human Annotation" (2018), section 3.4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery import Neighbours, SearchIndex
from lookalike.search.settings import ALPHA, SearchSettings

__all__ = ["expand_queries", "unit_rows"]


def expand_queries(
    index: SearchIndex,
    queries: NDArray[np.float32],
    found: Neighbours,
    *,
    alpha: float = ALPHA,
) -> NDArray[np.float32]:
    """Add to each query the neighbours it found.

    Under "cosine" query and neighbours are brought to length 1 first and the new query is
    Σ max(s, 0)^alpha · x over the query (s = 1) and its neighbours (s their cosine), brought to
    length 1. Under "inner" the rows stay as they are, the query counts 1, and similarities are
    divided by the largest, so that no neighbour counts more than the query. Under "euclidean" only
    alpha 0 has a meaning: the mean of the query and its neighbours.

    Args:
        index: over the gallery.
        queries: float32 (Q, D).
        found: the neighbours (Q, k) to add; places of -1 count nothing.
        alpha: power of the similarities; 0 is average query expansion.

    Returns:
        float32 (Q, D).

    Raises:
        SettingsError: alpha is negative, or above 0 under "euclidean".
    """
    SearchSettings(expand=1, alpha=alpha).check_metric(index.metric)
    there = found.positions >= 0
    weights = _weights(index, found, alpha)
    expanded = np.empty(queries.shape, np.float32)
    for number, query in enumerate(queries):
        rows = index.rows(found.positions[number][there[number]])
        every = np.concatenate([query[None], rows]).astype(np.float64)
        if index.metric == "cosine":
            every = unit_rows(every)
        own = np.concatenate([[1.0], weights[number][there[number]]])
        total = own @ every
        expanded[number] = (
            unit_rows(total[None])[0] if index.metric == "cosine" else total / (own.sum())
        )
    return expanded


def unit_rows(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows (N, D) brought to length 1; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1))


def _weights(index: SearchIndex, found: Neighbours, alpha: float) -> NDArray[np.float64]:
    """Return the neighbours' weights (Q, k)."""
    if not alpha:
        return np.ones(found.scores.shape)
    similarities = np.maximum(found.scores, 0)
    if index.metric == "inner":
        largest = similarities.max(axis=1, keepdims=True, initial=0)
        similarities = similarities / np.where(largest > 0, largest, 1)
    return np.asarray(similarities**alpha)
