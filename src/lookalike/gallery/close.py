"""Every picture's nearest others, for very many pictures: in blocks, in time far below N².

Up to `EXACT` pictures every one is compared with every other. Of more, the pictures are parted
into cells by k-means, and each is compared with those of the cells nearest to it (an inverted file:
Jégou, Douze and Schmid, "Product Quantization for Nearest Neighbor Search", 2011, section IV,
without the quantization). Scores are exact; a neighbour may be missed, the more likely the farther
it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery.exact import ExactIndex
from lookalike.gallery.neighbours import Neighbours

if TYPE_CHECKING:
    from lookalike.types import Metric

__all__ = ["close_neighbours"]

EXACT = 20_000
QUERIES = 1024
# Cells for each root of N, and those that are looked into.
CELLS_A_ROOT = 2
PROBED = 24
# Pictures that the cells are learnt from, for each of them.
TRAINED = 40


def close_neighbours(
    embeddings: NDArray[np.float32], metric: Metric, k: int, *, seed: int = 0, exact: int = EXACT
) -> Iterator[tuple[int, Neighbours]]:
    """Give the nearest others of every picture, block by block.

    Args:
        embeddings: float32 (N, D).
        metric: "euclidean", "cosine" or "inner"; the last is always compared with all.
        k: neighbours of each picture, itself not among them; at most N - 1 come.
        seed: of the cells.
        exact: up to so many pictures are compared with all.

    Yields:
        The place of the block's first picture, and its neighbours (Q, k).
    """
    count = len(embeddings)
    k = min(k, count - 1)
    if k < 1:
        return
    index = ExactIndex(embeddings, metric)
    cells = None if count <= exact or metric == "inner" else _cells(embeddings, metric, seed)
    for start in range(0, count, QUERIES):
        own = np.arange(start, min(start + QUERIES, count))
        queries = embeddings[own]
        if cells is None:
            yield start, index.search(queries, k, exclude=own)
            continue
        _, found = cells.search(_comparable(queries, metric), k + 1)
        yield start, _others(index, queries, own, found.astype(np.int64), k)


def _others(
    index: ExactIndex,
    queries: NDArray[np.float32],
    own: NDArray[np.int64],
    found: NDArray[np.int64],
    k: int,
) -> Neighbours:
    """Return what was found (Q, k + 1) by its true scores, without the queries themselves."""
    scores = index.score(queries, np.maximum(found, 0))
    scores[(found < 0) | (found == own[:, None])] = -np.inf
    order = np.lexsort((found, -scores), axis=1)[:, :k]
    best = np.take_along_axis(scores, order, axis=1)
    places = np.take_along_axis(found, order, axis=1)
    return Neighbours(best, np.where(best > -np.inf, places, -1))


def _cells(embeddings: NDArray[np.float32], metric: Metric, seed: int) -> Any:  # noqa: ANN401
    import faiss

    width, count = embeddings.shape[1], len(embeddings)
    number = round(CELLS_A_ROOT * math.sqrt(count))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(width), width, number, faiss.METRIC_L2)
    index.cp.seed = seed % 2**31
    index.cp.niter = 8
    rng = np.random.default_rng(seed)
    sample = np.sort(rng.choice(count, min(count, TRAINED * number), replace=False))
    index.train(_comparable(embeddings[sample], metric))
    for start in range(0, count, QUERIES * 16):
        index.add(_comparable(embeddings[start : start + QUERIES * 16], metric))
    index.nprobe = PROBED
    return index


def _comparable(rows: NDArray[np.float32], metric: Metric) -> NDArray[np.float32]:
    """Return rows whose distances order as the metric does."""
    if metric == "euclidean":
        return np.ascontiguousarray(rows)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.ascontiguousarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)
