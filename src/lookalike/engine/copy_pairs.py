"""Pairs of pictures of which one may be an edited copy of the other, by their embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.indexes import all_embeddings
from lookalike.gallery import close_neighbours
from lookalike.types import OnProgress, Progress, check_metric, silent

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts
    from lookalike.search import Calibration

__all__ = ["Pair", "likely_pairs"]

# Neighbours of each picture that are looked at.
NEIGHBOURS = 16
# A hit that is a copy by this probability does not stand in the way of those after it.
ACCEPTED = 0.5
# Of an engine without calibration so many of the nearest may be copies, and are held for unlikely.
FEW = 3
UNKNOWN = 0.3


@dataclass(frozen=True)
class Pair:
    """Two pictures that may be copies of one.

    Attributes:
        one: place in the gallery.
        other: place in the gallery, above `one`.
        probability: that one is an edited copy of the other, by the embeddings alone.
    """

    one: int
    other: int
    probability: float


def likely_pairs(
    engine: EngineParts,
    places: NDArray[np.int64],
    least: float,
    *,
    on_progress: OnProgress = silent,
) -> list[Pair]:
    """Return the pairs that are copies by a probability of `least` or more.

    Every picture is searched for among the others; a pair has the higher of its two
    probabilities. The calibrated probability is one of a query's best hit. If that is a copy, the
    next is asked for as if the first were not there, and so on.

    Args:
        engine: whose gallery it is.
        places: int64 (M,), ascending: the pictures that are compared.
        least: of the probability.
        on_progress: told how many pictures are searched for.
    """
    embeddings = all_embeddings(engine, "finding edited copies")
    if len(places) < len(embeddings):
        embeddings = embeddings[places]
    best: dict[tuple[int, int], float] = {}
    for start, near in close_neighbours(
        embeddings, check_metric(engine.manifest.metric), NEIGHBOURS, seed=engine.manifest.seed
    ):
        likely = _probabilities(engine.calibration, near.scores)
        for row, column in np.argwhere((likely >= least) & (near.positions >= 0)).tolist():
            one, other = int(places[start + row]), int(places[near.positions[row, column]])
            pair = (min(one, other), max(one, other))
            best[pair] = max(best.get(pair, 0.0), float(likely[row, column]))
        on_progress(Progress("compare", start + len(likely), len(places)))
    return [Pair(*pair, probability) for pair, probability in sorted(best.items())]


def _probabilities(
    calibration: Calibration | None, scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how probable it is that hits (Q, k), the closest first, are copies."""
    if calibration is None:
        likely = np.zeros(scores.shape)
        likely[:, :FEW] = UNKNOWN
        return likely
    first, later = calibration.first(scores), calibration.later(scores)
    copies = first >= ACCEPTED
    reached = np.ones(scores.shape, bool)
    reached[:, 1:] = np.logical_and.accumulate(copies, axis=1)[:, :-1]
    return np.where(reached, first, np.minimum(first, later))
