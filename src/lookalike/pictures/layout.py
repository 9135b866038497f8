"""Where each picture stands on the map: t-SNE of the embeddings, by openTSNE."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lookalike.errors import SettingsError
from lookalike.types import OnProgress, Progress, silent

__all__ = ["tsne"]

_DIMENSIONS = 50
_PERPLEXITY = 30.0
_EARLY_STEPS = 250
_LATE_STEPS = 500
_STEPS_PER_REPORT = 25
_MANY = 1000  # below, threads cost more than they bring


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
    with _quiet():
        placed = _descend(reduced, start, seed, on_progress)
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


def _descend(
    reduced: np.ndarray[Any, Any],
    start: np.ndarray[Any, Any],
    seed: int,
    on_progress: OnProgress,
) -> np.ndarray[Any, Any]:
    import openTSNE

    perplexity = min(_PERPLEXITY, (len(reduced) - 1) / 3)
    affinities = openTSNE.affinity.PerplexityBasedNN(
        perplexity=perplexity,
        knn_index=_neighbours(reduced, min(len(reduced) - 1, int(3 * perplexity))),
    )
    model = openTSNE.TSNE(
        perplexity=perplexity,
        early_exaggeration_iter=_EARLY_STEPS,
        n_iter=_LATE_STEPS,
        n_jobs=-1 if len(reduced) >= _MANY else 1,
        random_state=seed,
        callbacks=_reporter(on_progress),
        callbacks_every_iters=_STEPS_PER_REPORT,
    )
    return np.asarray(model.fit(affinities=affinities, initialization=start))


def _neighbours(points: np.ndarray[Any, Any], count: int) -> Any:  # noqa: ANN401 - no types there
    """Find exact neighbours: openTSNE's own choice is approximate above 1,000 points."""
    import faiss
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    points = np.ascontiguousarray(points, dtype=np.float32)
    index = faiss.IndexFlatL2(points.shape[1])
    index.add(points)
    squared, found = index.search(points, count + 1)
    positions, distances = _without_self(found, np.sqrt(np.maximum(squared, 0.0)))
    return PrecomputedNeighbors(positions, distances.astype(np.float64))


def _without_self(
    found: np.ndarray[Any, Any], distances: np.ndarray[Any, Any]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Leave each point out of its own neighbours; among many equal points, drop the last."""
    own = found == np.arange(len(found))[:, None]
    own[~own.any(axis=1), -1] = True
    shape = (len(found), found.shape[1] - 1)
    return found[~own].reshape(shape), distances[~own].reshape(shape)


def _reporter(on_progress: OnProgress) -> Callable[[int, float, Any], bool]:
    done = 0

    def report(_iteration: int, divergence: float, _placed: Any) -> bool:  # noqa: ANN401
        nonlocal done
        done += _STEPS_PER_REPORT
        total = _EARLY_STEPS + _LATE_STEPS
        on_progress(Progress("map", min(done, total), total, f"divergence {divergence:.2f}"))
        return False  # true would stop the descent

    return report


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep openTSNE's advice on its own settings away from the user."""
    log = logging.getLogger("openTSNE")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
