"""What a similarity means in one gallery: a probability, a percentile, a band.

Fitted on edited copies of the gallery's own pictures and on random pairs of them; no label is
needed. See docs/scores.md.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import SettingsError
from lookalike.types import Band, Hits

__all__ = ["Calibration", "Curve", "Familiarity", "Judge", "quadratic"]

DUPLICATE = 0.9
CLOSE = 0.5
# Similarities above this share of all random pairs are related.
RELATED = 95.0
# Evidence further than this from the usual is no further than this: what lies outside of all that
# was fitted must not decide by its square.
FURTHEST = 4.0
# Scores this close to the best are the best.
TIE = 1e-5


@dataclass(frozen=True)
class Judge:
    """Tells queries whose like the gallery has from one sort of others, by their evidence.

    Attributes:
        mean: float64 (F,), subtracted from the evidence.
        scale: float64 (F,), it is divided by.
        weights: float64 (F + F·(F + 1) / 2,), of `quadratic`.
        known: float64 (R,), ascending: quantiles of what queries score whose like is there.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    known: NDArray[np.float64]

    def __post_init__(self) -> None:
        count = len(self.mean)
        wanted = count + count * (count + 1) // 2
        if self.scale.shape != (count,) or self.weights.shape != (wanted,) or not len(self.known):
            raise SettingsError(
                f"a judge does not fit together: mean {self.mean.shape}, "
                f"scale {self.scale.shape}, weights {self.weights.shape}, known {self.known.shape}"
            )

    def rank(self, evidence: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share (Q,) of known queries that score less than these (Q, F)."""
        scores = quadratic((evidence - self.mean) / self.scale) @ self.weights
        return np.interp(scores, self.known, np.linspace(0, 1, len(self.known)))


@dataclass(frozen=True)
class Familiarity:
    """Whether the gallery has the like of a query: two judges must agree that it has.

    Attributes:
        kinds: has learnt from queries whose kind was taken out of the gallery; it does not look
            at the evidence's last column if that is of reconstruction errors.
        foreign: has learnt from pictures that belong to no gallery.
        threshold: where the lower of the two ranks is below it, nothing is like the query.
    """

    kinds: Judge
    foreign: Judge
    threshold: float

    def score(self, evidence: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the lower of the judges' ranks (Q,) of evidence (Q, F), from 0 to 1.

        What is in the gallery itself, so that its error is not known (NaN), is not foreign.
        """
        kinds = self.kinds.rank(evidence[:, : len(self.kinds.mean)])
        foreign = self.foreign.rank(np.nan_to_num(evidence))
        foreign[np.isnan(evidence).any(axis=1)] = 1
        return np.minimum(kinds, foreign)

    def knows(self, evidence: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return for each query (Q,) whether the gallery has its like."""
        return np.asarray(self.score(evidence) >= self.threshold)


@dataclass(frozen=True)
class Curve:
    """A probability that never falls as the score rises.

    Attributes:
        scores: float64 (K,), ascending.
        probabilities: float64 (K,), linear in between.
    """

    scores: NDArray[np.float64]
    probabilities: NDArray[np.float64]

    def __post_init__(self) -> None:
        if not len(self.scores) or len(self.scores) != len(self.probabilities):
            raise SettingsError(
                f"a curve does not fit together: {len(self.scores)} scores, "
                f"{len(self.probabilities)} probabilities"
            )

    def __call__(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities of scores."""
        return np.asarray(np.interp(scores, self.scores, self.probabilities))


@dataclass(frozen=True)
class Calibration:
    """How to read the scores of one gallery.

    Attributes:
        random: float64 (R,), scores of random pairs of different pictures, ascending.
        first: how probable it is that a query's best hit, of such a score, is its original or an
            edited copy, where half of the queries have one in the gallery.
        later: the same of the hits after the best.
        familiarity: whether the gallery has the like of a query.
    """

    random: NDArray[np.float64]
    first: Curve
    later: Curve
    familiarity: Familiarity

    def __post_init__(self) -> None:
        if not len(self.random):
            raise SettingsError("a calibration wants random pairs, got none")

    def probability(self, scores: NDArray[np.float64], best: float) -> NDArray[np.float64]:
        """Return the probability that query and hit are copies of one picture.

        Args:
            scores: float64 (k,), of hits of one query.
            best: the highest score of that query in the whole gallery.
        """
        first = self.first(scores)
        return np.where(scores >= best - TIE, first, np.minimum(first, self.later(scores)))

    def percentile(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how many of a hundred random pairs are less alike."""
        below = np.searchsorted(self.random, scores)
        return np.asarray(100 * below / (len(self.random) + 1))

    def judge(self, hits: Hits, scores: NDArray[np.float64], *, best: float, known: bool) -> Hits:
        """Return the hits with probability, percentile and band.

        Args:
            hits: of one query.
            scores: float64 (k,), their similarities by the metric that was calibrated.
            best: the highest such similarity in the whole gallery.
            known: whether the gallery has the like of the query.
        """
        figures = zip(self.probability(scores, best), self.percentile(scores), strict=True)
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
            "threshold": np.array([self.familiarity.threshold]),
            **_fields("first", self.first),
            **_fields("later", self.later),
            **_fields("kinds", self.familiarity.kinds),
            **_fields("foreign", self.familiarity.foreign),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Calibration:
        """Return the calibration whose `arrays` these are.

        Raises:
            KeyError: one is missing.
        """
        first, later = (
            Curve(**{field.name: arrays[f"{name}.{field.name}"] for field in fields(Curve)})
            for name in ("first", "later")
        )
        kinds, foreign = (
            Judge(**{field.name: arrays[f"{name}.{field.name}"] for field in fields(Judge)})
            for name in ("kinds", "foreign")
        )
        familiarity = Familiarity(kinds, foreign, float(arrays["threshold"][0]))
        return cls(arrays["random"], first, later, familiarity)


def _fields(name: str, part: Curve | Judge) -> dict[str, NDArray[Any]]:
    return {f"{name}.{field.name}": getattr(part, field.name) for field in fields(part)}


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
