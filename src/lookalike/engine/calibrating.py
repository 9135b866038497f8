"""An engine's calibration: fitted while copies are measured, kept in a file, read by searches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lookalike.evaluation import CopiesBatch, expected_calibration_error
from lookalike.gallery import ExactIndex, Neighbours, k_means
from lookalike.search import EVIDENCE_DEPTH, Calibration, evidence
from lookalike.search.calibrating import fit_curve, fit_familiarity

if TYPE_CHECKING:
    pass

__all__ = [
    "CALIBRATION_DEPTH",
    "CalibrationCheck",
    "CopyCollector",
    "Errors",
]

CALIBRATION_DEPTH = EVIDENCE_DEPTH + 1
"""Hits of each copy that are looked at: one of them, the original, is then left out."""


Errors: TypeAlias = Callable[[list[NDArray[np.uint8]]], NDArray[np.float64]]

SHOWN = 10  # hits of each copy whose probability is fitted: what a person looks at
MEDIUM = "medium"
RANDOM_PAIRS = 20_000
CLUSTERS = 16
PICTURES_A_CLUSTER = 8


@dataclass(frozen=True)
class CalibrationCheck:
    """How a calibration does on pictures that it was not fitted on.

    Attributes:
        error: expected calibration error of the copy probability of best hits.
        later_error: the same of the second to the tenth hit. They are seldom copies: where they
            never are, saying so is no art.
        missed: share of medium copies that got "nothing like it here".
        refused: share of medium copies that got it when the whole kind of their original (its
            cluster) was taken out of the gallery.
        foreign: share of foreign pictures, made of the gallery's own, that got it.
        pictures: originals that this was measured with, half of all.
    """

    error: float
    later_error: float
    missed: float
    refused: float
    foreign: float
    pictures: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Pairs:
    """Scores of copies' hits: whose copies, which are the best of their query, which are right."""

    owners: NDArray[np.int64]
    scores: NDArray[np.float64]
    best: NDArray[np.bool_]
    right: NDArray[np.bool_]

    def of(self, owners: NDArray[np.int64], *, best: bool) -> _Pairs:
        """Return the pairs of these owners that are, or are not, the best of their query."""
        chosen = np.isin(self.owners, owners) & (self.best == best)
        columns = (self.owners, self.scores, self.best, self.right)
        return _Pairs(*(column[chosen] for column in columns))


class CopyCollector:
    """Gathers what a calibration needs while copies are measured.

    Args:
        index: over the gallery, by the engine's metric.
        widths: of the embedding's parts.
        same: int (N,), equal numbers for pictures of identical content.
        seed: of clusters and random pairs.
        errors: how badly the decoder rebuilds pictures (M,); None for an encoder without one.
    """

    def __init__(
        self,
        index: ExactIndex,
        widths: Sequence[int],
        same: NDArray[np.int64],
        seed: int,
        errors: Errors | None = None,
    ) -> None:
        self.index = index
        self.widths = tuple(widths)
        self.same = same
        self.seed = seed
        self.errors = errors
        self._owners: list[NDArray[np.int64]] = []
        self._rows: list[NDArray[np.float32]] = []
        self._copy_errors: list[NDArray[np.float64]] = []
        self._known: list[NDArray[np.float64]] = []
        self._foreign: list[NDArray[np.float64]] = []
        self._pairs: list[_Pairs] = []

    def __call__(self, batch: CopiesBatch) -> None:
        """Take a batch of copies."""
        places, owners = batch.found.positions, self.same[batch.positions]
        right = (self.same[places] == owners[:, None]) & (places >= 0)
        self._add_pairs(owners, batch.found.scores[:, :SHOWN], right[:, :SHOWN])
        # The same query where its original is not in the gallery.
        without = self._without_original(batch.rows, batch.found.scores, right, owners)
        self._add_pairs(owners, without, np.zeros(without.shape, bool))
        if batch.strength == MEDIUM:
            self._owners.append(owners)
            self._rows.append(batch.rows)
            self._copy_errors.append(self._errors_of(batch.copies))
            self._known.append(self._evidence(batch.rows, batch.found, self._copy_errors[-1]))

    def add_foreign(self, pictures: list[NDArray[np.uint8]], rows: NDArray[np.float32]) -> None:
        """Take pictures that belong to no gallery, and their embeddings (M, D)."""
        found = self.index.search(rows, EVIDENCE_DEPTH)
        self._foreign.append(self._evidence(rows, found, self._errors_of(pictures)))

    def fit(self) -> tuple[Calibration, CalibrationCheck]:
        """Return the calibration by all copies, and how one by half of them does on the others."""
        known, owners = np.concatenate(self._known), np.concatenate(self._owners)
        foreign = np.concatenate([known[:0], *self._foreign])
        unknown = self._without_their_kind()
        contents = np.unique(owners)
        half = np.isin(owners, contents[::2])
        fitted = self._fit(known[half], unknown[half], foreign[::2], owners[half])
        best, later = (self._all_pairs.of(contents[1::2], best=best) for best in (True, False))
        check = CalibrationCheck(
            expected_calibration_error(fitted.first(best.scores), best.right),
            expected_calibration_error(fitted.later(later.scores), later.right),
            _share_refused(fitted, known[~half]),
            _share_refused(fitted, unknown[~half]),
            _share_refused(fitted, foreign[1::2]),
            len(contents) // 2,
        )
        return self._fit(known, unknown, foreign, owners), check

    def _fit(
        self,
        known: NDArray[np.float64],
        unknown: NDArray[np.float64],
        foreign: NDArray[np.float64],
        owners: NDArray[np.int64],
    ) -> Calibration:
        contents, groups = np.unique(owners, return_inverse=True)
        best, later = (self._all_pairs.of(contents, best=best) for best in (True, False))
        return Calibration(
            np.sort(self._random()),
            fit_curve(best.scores, best.right),
            fit_curve(later.scores, later.right),
            fit_familiarity(known, unknown, foreign, groups, errors=self.errors is not None),
        )

    @cached_property
    def _all_pairs(self) -> _Pairs:
        columns = zip(
            *((one.owners, one.scores, one.best, one.right) for one in self._pairs), strict=True
        )
        return _Pairs(*(np.concatenate(column) for column in columns))

    def _add_pairs(
        self, owners: NDArray[np.int64], scores: NDArray[np.float64], right: NDArray[np.bool_]
    ) -> None:
        there = np.isfinite(scores)
        best = np.zeros(scores.shape, bool)
        best[:, 0] = True
        every = np.broadcast_to(owners[:, None], scores.shape)
        self._pairs.append(_Pairs(every[there], scores[there], best[there], right[there]))

    def _without_original(
        self,
        rows: NDArray[np.float32],
        scores: NDArray[np.float64],
        right: NDArray[np.bool_],
        owners: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Return the scores (M, 10) of the best hits that are not the original, -inf for none."""
        order = np.argsort(right, axis=1, kind="stable")[:, :SHOWN]
        without = np.take_along_axis(np.where(right, -np.inf, scores), order, axis=1)
        for row in np.flatnonzero(right.all(axis=1)):  # files of one content fill all the hits
            others = np.flatnonzero(self.same != owners[row])
            without[row] = self.index.search(rows[row : row + 1], SHOWN, allowed=others).scores
        return without

    def _evidence(
        self, rows: NDArray[np.float32], found: Neighbours, errors: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        looked_at = None if self.errors is None else errors
        return evidence(self.index, rows, found, self.widths, looked_at)

    def _errors_of(self, pictures: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
        return np.zeros(len(pictures)) if self.errors is None else self.errors(pictures)

    def _random(self) -> NDArray[np.float64]:
        """Return the scores of random pairs of different pictures."""
        rng = np.random.default_rng(self.seed)
        first = rng.integers(len(self.index), size=RANDOM_PAIRS)
        second = rng.integers(len(self.index), size=RANDOM_PAIRS)
        different = self.same[first] != self.same[second]
        first, second = first[different], second[different]
        scores = np.empty(len(first))
        order = np.argsort(first, kind="stable")
        for chunk in np.array_split(order, max(1, len(order) // 256)):
            rows = self.index.embeddings[first[chunk]]
            scores[chunk] = self.index.score(rows, second[chunk][:, None])[:, 0]
        return scores

    def _without_their_kind(self) -> NDArray[np.float64]:
        """Return the evidence of copies in a gallery without the cluster of their original."""
        rows, owners = np.concatenate(self._rows), np.concatenate(self._owners)
        count = min(CLUSTERS, max(2, len(self.index) // PICTURES_A_CLUSTER))
        clusters = np.empty(len(self.index), np.int64)
        groups = k_means(self.index.embeddings, count, self.seed % 2**31).groups
        for number, group in enumerate(groups):
            clusters[group] = number
        _, first_of = np.unique(self.same, return_index=True)
        own = clusters[first_of[np.searchsorted(self.same[first_of], owners)]]
        found = Neighbours(
            np.full((len(rows), EVIDENCE_DEPTH), -np.inf),
            np.full((len(rows), EVIDENCE_DEPTH), -1, np.int64),
        )
        for number in np.unique(own):
            mine, others = own == number, np.flatnonzero(clusters != number)
            near = self.index.search(rows[mine], EVIDENCE_DEPTH, allowed=others)
            found.scores[mine], found.positions[mine] = near.scores, near.positions
        return self._evidence(rows, found, np.concatenate(self._copy_errors))


def _share_refused(calibration: Calibration, rows: NDArray[np.float64]) -> float:
    """Return the share of queries of this evidence that get "nothing like it here"."""
    return float((~calibration.familiarity.knows(rows)).mean()) if len(rows) else 0.0
