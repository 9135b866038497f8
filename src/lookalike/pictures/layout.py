"""Where each picture stands on the map: t-SNE of the embeddings, by openTSNE."""

from __future__ import annotations

from typing import Any

import numpy as np

from lookalike.errors import SettingsError
from lookalike.pictures.descent import descend
from lookalike.types import OnProgress, silent

__all__ = ["tsne"]

_DIMENSIONS = 50


def tsne(
    embeddings: np.ndarray[Any, Any], seed: int = 0, *, on_progress: OnProgress = silent
) -> np.ndarray[Any, Any]:
    """Place embeddings on a plane so that close embeddings stand close together.

    The embeddings are first reduced to at most 50 principal components; neighbours are exact, and
    the start is the first two components. The same embeddings and seed give the same coordinates on
    the same machine with the same number of threads. Other numbers of threads add in another order:
    the last bits of the components differ, and the descent makes that a slightly different map.

    Args:
        embeddings: float (N, D); any N, also 0, 1 or 2.
        seed: of the slight noise on the start that parts identical pictures.
        on_progress: told every 25 steps.

    Returns:
        float32 (N, 2), centred on (0, 0).

    Raises:
        SettingsError: `embeddings` is not (N, D), or holds NaN or infinity.

    Source: van der Maaten and Hinton, "Visualizing Data using t-SNE" (2008); Poličar, Stražar and
    Zupan, "openTSNE" (2024).

    >>> tsne(np.array([[0.0, 1.0], [5.0, 1.0]])).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    _check(embeddings)
    count = len(embeddings)
    if count < 3:
        line = np.linspace(-1.0, 1.0, count) if count > 1 else np.zeros(count)
        return np.stack([line, np.zeros(count)], axis=1).astype(np.float32)
    reduced = _principal_components(embeddings)
    start = _start(reduced, seed)
    placed = descend(reduced, start, seed, on_progress=on_progress)
    return np.asarray(placed - placed.mean(axis=0), dtype=np.float32)


def _check(embeddings: np.ndarray[Any, Any]) -> None:
    if embeddings.ndim != 2 or embeddings.shape[1] == 0:
        raise SettingsError(f"a map needs embeddings (N, D), got shape {embeddings.shape}")
    if not np.isfinite(embeddings).all():
        raise SettingsError("a map needs finite embeddings, got NaN or infinity; embed again")


def _principal_components(embeddings: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return float64 (N, ≤ 50), scaled to a greatest standard deviation of 1."""
    centred = embeddings.astype(np.float64)
    centred -= centred.mean(axis=0)
    keep = min(_DIMENSIONS, centred.shape[1])
    rows, columns = centred.shape
    if rows < columns:  # the small one of the two Gram matrices has the same answer
        values, vectors = np.linalg.eigh(centred @ centred.T)
        scores = vectors * np.sqrt(np.maximum(values, 0.0))
    else:
        scores = centred @ np.linalg.eigh(centred.T @ centred)[1]
    scores = scores[:, ::-1][:, :keep]
    # The sign of an axis is arbitrary: fix it, so that the map does not flip between machines.
    strongest = scores[np.abs(scores).argmax(axis=0), np.arange(scores.shape[1])]
    scores = scores * np.where(strongest < 0, -1.0, 1.0)
    spread = scores.std(axis=0).max()
    return np.ascontiguousarray(scores / spread if spread > 0 else scores)


def _start(reduced: np.ndarray[Any, Any], seed: int) -> np.ndarray[Any, Any]:
    """Return the first two components at a standard deviation of 1e-4, slightly shaken."""
    start = np.zeros((len(reduced), 2))
    start[:, : min(2, reduced.shape[1])] = reduced[:, :2]
    noise = np.random.default_rng(seed).normal(size=start.shape)
    return 1e-4 * start + 1e-6 * noise
