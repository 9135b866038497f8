"""t-SNE's descent, by openTSNE: from points and a start to places on a plane."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lookalike.types import OnProgress, Progress, silent

__all__ = ["Descent", "descend", "nearest_points"]

_STEPS_PER_REPORT = 25
_MANY = 1000  # below, threads cost more than they bring
# Up to so many points all are compared with all; beyond, with those of the nearest of some cells,
# which finds .99 of the neighbours in a fraction of the time.
_EXACT = 100_000
_CELLS, _LOOKED_INTO = 512, 16
_FITTED_ON = 50  # points a cell


@dataclass(frozen=True)
class Descent:
    """How t-SNE goes about it.

    Attributes:
        perplexity: about how many neighbours each point is to be close to.
        early: steps in which neighbours attract each other twelve times as much.
        late: steps after these.
        exaggeration: how many times as much they attract each other then; more than 1 leaves
            wider gaps between groups.
    """

    perplexity: float = 30.0
    early: int = 250
    late: int = 500
    exaggeration: float = 1.0


def descend(
    points: np.ndarray[Any, Any],
    start: np.ndarray[Any, Any],
    seed: int,
    descent: Descent | None = None,
    *,
    on_progress: OnProgress = silent,
) -> np.ndarray[Any, Any]:
    """Return places (N, 2) of points (N, D), N at least 3.

    Args:
        points: float, of few dimensions.
        start: (N, 2), of a small spread.
        seed: of openTSNE.
        descent: how; None for the default.
        on_progress: told at the start and every 25 steps.
    """
    import openTSNE

    descent = descent or Descent()
    perplexity = min(descent.perplexity, (len(points) - 1) / 3)
    on_progress(Progress("map", 0, descent.early + descent.late, "comparing the pictures"))
    with _quiet():
        affinities = openTSNE.affinity.PerplexityBasedNN(
            perplexity=perplexity,
            knn_index=_neighbours(points, min(len(points) - 1, int(3 * perplexity))),
        )
        model = openTSNE.TSNE(
            perplexity=perplexity,
            early_exaggeration_iter=descent.early,
            n_iter=descent.late,
            exaggeration=descent.exaggeration,
            n_jobs=-1 if len(points) >= _MANY else 1,
            random_state=seed,
            callbacks=_reporter(descent, on_progress),
            callbacks_every_iters=_STEPS_PER_REPORT,
        )
        return np.asarray(model.fit(affinities=affinities, initialization=start))


def nearest_points(
    points: np.ndarray[Any, Any], queries: np.ndarray[Any, Any], count: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return squared distances and positions (Q, count) of the nearest points of each query.

    Args:
        points: (N, D).
        queries: (Q, D).
        count: at most N.
    """
    import faiss

    points = np.ascontiguousarray(points, dtype=np.float32)
    index = faiss.IndexFlatL2(points.shape[1])
    if len(points) > _EXACT:
        cells = faiss.IndexIVFFlat(index, points.shape[1], _CELLS, faiss.METRIC_L2)
        cells.cp.max_points_per_centroid = _FITTED_ON
        cells.train(points)
        cells.nprobe = _LOOKED_INTO
        cells.add(points)
        found = cells.search(np.ascontiguousarray(queries, dtype=np.float32), count)
        if (found[1] >= 0).all():
            return found
    index.add(points)
    return index.search(np.ascontiguousarray(queries, dtype=np.float32), count)


def _neighbours(points: np.ndarray[Any, Any], count: int) -> Any:  # noqa: ANN401 - no types there
    """Find neighbours: openTSNE's own choice is approximate above 1,000 points."""
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    squared, found = nearest_points(points, points, count + 1)
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


def _reporter(descent: Descent, on_progress: OnProgress) -> Callable[[int, float, Any], bool]:
    done = 0

    def report(_iteration: int, divergence: float, _placed: Any) -> bool:  # noqa: ANN401
        nonlocal done
        done += _STEPS_PER_REPORT
        total = descent.early + descent.late
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
