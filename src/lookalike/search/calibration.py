"""What a similarity means in one gallery: a probability, a percentile, a band.

Fitted on edited copies of the gallery's own pictures and on random pairs of them; no label is
needed. See docs/scores.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import SettingsError
from lookalike.types import Band, Hits

__all__ = ["Calibration", "Familiarity", "quadratic"]

DUPLICATE = 0.9
CLOSE = 0.5
# Similarities above this share of all random pairs are related.
RELATED = 95.0
# Evidence further than this from the usual is no further than this: what lies outside of all that
# was fitted must not decide by its square.
FURTHEST = 4.0


@dataclass(frozen=True)
class Familiarity:
    """Whether the gallery has the like of a query, from its evidence.

    Attributes:
        mean: float64 (F,), subtracted from the evidence.
        scale: float64 (F,), it is divided by.
        weights: float64 (F + F·(F + 1) / 2,), of `quadratic`.
        threshold: below it nothing in the gallery is like the query.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    threshold: float

    def __post_init__(self) -> None:
        count = len(self.mean)
        wanted = count + count * (count + 1) // 2
        if self.scale.shape != (count,) or self.weights.shape != (wanted,):
            raise SettingsError(
                f"familiarity does not fit together: mean {self.mean.shape}, "
                f"scale {self.scale.shape}, weights {self.weights.shape}"
            )

    def score(self, evidence: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds (Q,), up to a constant, of evidence (Q, F)."""
        return np.asarray(quadratic((evidence - self.mean) / self.scale) @ self.weights)

    def knows(self, evidence: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return for each query (Q,) whether the gallery has its like."""
        return np.asarray(self.score(evidence) >= self.threshold)


@dataclass(frozen=True)
class Calibration:
    """How to read the scores of one gallery.

    Attributes:
        random: float64 (R,), scores of random pairs of different pictures, ascending.
        scores: float64 (K,), ascending.
        probabilities: float64 (K,), that a hit of such a score is the query's original or its
            edited copy, where half of the queries have one in the gallery; never falling.
        familiarity: whether the gallery has the like of a query.
    """

    random: NDArray[np.float64]
    scores: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    familiarity: Familiarity

    def __post_init__(self) -> None:
        if (
            not len(self.random)
            or not len(self.scores)
            or len(self.scores) != len(self.probabilities)
        ):
            raise SettingsError(
                f"calibration does not fit together: {len(self.random)} random pairs, "
                f"{len(self.scores)} scores, {len(self.probabilities)} probabilities"
            )

    def probability(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability that query and hit are copies of one picture."""
        return np.asarray(np.interp(scores, self.scores, self.probabilities))

    def percentile(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how many of a hundred random pairs are less alike."""
        below = np.searchsorted(self.random, scores)
        return np.asarray(100 * below / (len(self.random) + 1))

    def judge(self, hits: Hits, scores: NDArray[np.float64], *, known: bool) -> Hits:
        """Return the hits with probability, percentile and band.

        Args:
            hits: of one query.
            scores: float64 (k,), their similarities by the metric that was calibrated.
            known: whether the gallery has the like of the query.
        """
        figures = zip(self.probability(scores), self.percentile(scores), strict=True)
        judged = tuple(
            replace(
                hit,
                probability=float(probability),
                percentile=float(percentile),
                band=_band(float(probability), float(percentile)) if known else "nothing",
            )
            for hit, (probability, percentile) in zip(hits, figures, strict=True)
        )
        return replace(hits, hits=judged, known=known)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what `from_arrays` takes."""
        return {
            "random": self.random,
            "scores": self.scores,
            "probabilities": self.probabilities,
            "familiarity.mean": self.familiarity.mean,
            "familiarity.scale": self.familiarity.scale,
            "familiarity.weights": self.familiarity.weights,
            "familiarity.threshold": np.array([self.familiarity.threshold]),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Calibration:
        """Return the calibration whose `arrays` these are.

        Raises:
            KeyError: one is missing.
        """
        familiarity = Familiarity(
            arrays["familiarity.mean"],
            arrays["familiarity.scale"],
            arrays["familiarity.weights"],
            float(arrays["familiarity.threshold"][0]),
        )
        return cls(arrays["random"], arrays["scores"], arrays["probabilities"], familiarity)


def quadratic(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows (N, F), kept within ±4, and all products of two of their columns.

    >>> quadratic(np.array([[2.0, 3.0]])).tolist()
    [[2.0, 3.0, 4.0, 6.0, 9.0]]
    """
    kept = np.clip(rows, -FURTHEST, FURTHEST)
    first, second = np.triu_indices(rows.shape[1])
    return np.concatenate([kept, kept[:, first] * kept[:, second]], axis=1)


def _band(probability: float, percentile: float) -> Band:
    if probability >= DUPLICATE:
        return "duplicate"
    if probability >= CLOSE:
        return "close"
    return "related" if percentile >= RELATED else "nothing"
