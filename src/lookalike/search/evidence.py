"""What tells a query that has its like in the gallery from one that has not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery import Neighbours, SearchIndex
from lookalike.search.expansion import unit_rows

__all__ = ["EVIDENCE_DEPTH", "evidence"]

EVIDENCE_DEPTH = 20
"""Neighbours that are looked at."""

# Mean squared errors below this are as good as none.
SMALLEST_ERROR = 1e-6

# Values gathered at once (64 MB of float64).
BLOCK = 8_000_000


def evidence(
    index: SearchIndex,
    queries: NDArray[np.float32],
    found: Neighbours,
    widths: Sequence[int],
    errors: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return what the neighbours of each query say about whether the gallery has its like.

    The best score; how far it is above the second, the fifth and the mean of the others; then for
    each part of the embedding the cosine with the best neighbour and the largest cosine with any
    of them. A copy stands out from the others, and is near in every part; a picture of another
    kind has its few nearest at much the same distance, each near in some part alone. A decoder
    rebuilds badly what it has never seen: the logarithm of its error comes last.

    Args:
        index: over the gallery.
        queries: float32 (Q, D).
        found: their neighbours (Q, k), closest first; the first `EVIDENCE_DEPTH` are looked at.
        widths: of the embedding's parts; they sum to D.
        errors: float64 (Q,), how badly the decoder rebuilds each query, NaN where that is not
            known; None for an encoder without a decoder.

    Returns:
        float64 (Q, 4 + 2 · parts), and a column more for errors; but for that, all 0 for a query
        without neighbours.
    """
    rows = _of_neighbours(index, queries, found, widths)
    if errors is None:
        return rows
    return np.column_stack([rows, np.log(np.maximum(errors, SMALLEST_ERROR))])


def _of_neighbours(
    index: SearchIndex,
    queries: NDArray[np.float32],
    found: Neighbours,
    widths: Sequence[int],
) -> NDArray[np.float64]:
    scores = found.scores[:, :EVIDENCE_DEPTH]
    places = found.positions[:, :EVIDENCE_DEPTH]
    there = places >= 0
    rows = np.zeros((len(queries), 4 + 2 * len(widths)))
    if not there.any():
        return rows
    # Where there are fewer neighbours, the last one stands for those that are missing.
    last = np.where(there, scores, np.inf).min(axis=1, keepdims=True)
    last[~there.any(axis=1)] = 0
    scores = np.where(there, scores, last)
    rows[:, 0] = scores[:, 0]
    others = scores[:, 1:].mean(axis=1) if scores.shape[1] > 1 else scores[:, 0]
    for column, other in enumerate((_at(scores, 1), _at(scores, 4), others), start=1):
        rows[:, column] = scores[:, 0] - other
    block = max(1, BLOCK // max(1, index.width * scores.shape[1]))
    for start in range(0, len(queries), block):
        part = slice(start, start + block)
        cosines = _part_cosines(index.rows(places[part]), queries[part], widths)
        cosines[~there[part]] = -1
        rows[part, 4::2] = cosines[:, 0]
        rows[part, 5::2] = cosines.max(axis=1)
    rows[~there.any(axis=1)] = 0
    return rows


def _at(scores: NDArray[np.float64], column: int) -> NDArray[np.float64]:
    return scores[:, min(column, scores.shape[1] - 1)]


def _part_cosines(
    neighbours: NDArray[np.float32], queries: NDArray[np.float32], widths: Sequence[int]
) -> NDArray[np.float64]:
    """Return the cosines (Q, k, parts) of neighbours (Q, k, D) and queries (Q, D)."""
    found, start = [], 0
    for width in widths:
        asked = unit_rows(queries[:, start : start + width].astype(np.float64))
        piece = neighbours[:, :, start : start + width]
        near = unit_rows(piece.reshape(-1, width).astype(np.float64)).reshape(piece.shape)
        found.append(np.einsum("qd,qkd->qk", asked, near))
        start += width
    return np.stack(found, axis=2)
