"""An engine's calibration: fitted while copies are measured, kept in a file, read by searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from lookalike.errors import StorageError
from lookalike.evaluation import CopiesBatch, expected_calibration_error
from lookalike.gallery import ExactIndex, Neighbours
from lookalike.search import EVIDENCE_DEPTH, Calibration, evidence
from lookalike.search.calibrating import fit_calibration, fit_familiarity

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts

__all__ = [
    "CALIBRATION_DEPTH",
    "FEWEST",
    "CalibrationCheck",
    "CopyCollector",
    "keep_calibration",
    "read_calibration",
]

FEWEST = 50
"""Pictures that a gallery needs for a calibration."""

CALIBRATION_DEPTH = EVIDENCE_DEPTH + 1
"""Hits of each copy that are looked at: one of them, the original, is then left out."""

SHOWN = 10  # hits of each copy whose probability is fitted: what a person looks at
MEDIUM = "medium"
RANDOM_PAIRS = 20_000
CLUSTERS = 16
PICTURES_A_CLUSTER = 8
CLUSTERED = 20_000


@dataclass(frozen=True)
class CalibrationCheck:
    """How a calibration does on pictures that it was not fitted on.

    Attributes:
        error: expected calibration error of the copy probability.
        missed: share of medium copies that got "nothing like it here".
        refused: share of medium copies that got it when the whole kind of their original (its
            cluster) was taken out of the gallery.
        pictures: originals that this was measured with, half of all.
    """

    error: float
    missed: float
    refused: float
    pictures: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


class CopyCollector:
    """Gathers what a calibration needs while copies are measured.

    Args:
        index: over the gallery, by the engine's metric.
        widths: of the embedding's parts.
        same: int (N,), equal numbers for pictures of identical content.
        seed: of clusters and random pairs.
    """

    def __init__(
        self, index: ExactIndex, widths: Sequence[int], same: NDArray[np.int64], seed: int
    ) -> None:
        self.index = index
        self.widths = tuple(widths)
        self.same = same
        self.seed = seed
        self._places: list[NDArray[np.int64]] = []
        self._rows: list[NDArray[np.float32]] = []
        self._known: list[NDArray[np.float64]] = []
        self._pairs: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]] = []

    def __call__(self, batch: CopiesBatch) -> None:
        """Take a batch of copies."""
        found, right = batch.found, self._right(batch)
        self._add_pairs(batch.positions, found.scores[:, :SHOWN], right[:, :SHOWN])
        # The same query where its original is not in the gallery.
        order = np.argsort(right, axis=1, kind="stable")[:, :SHOWN]
        without = np.take_along_axis(np.where(right, -np.inf, found.scores), order, axis=1)
        self._add_pairs(batch.positions, without, np.zeros(without.shape, bool))
        if batch.strength == MEDIUM:
            self._places.append(batch.positions)
            self._rows.append(batch.rows)
            self._known.append(
                evidence(self.index.embeddings, batch.rows, batch.found, self.widths)
            )

    def fit(self) -> tuple[Calibration, CalibrationCheck]:
        """Return the calibration by all copies, and how one by half of them does on the others."""
        rows, places = np.concatenate(self._rows), np.concatenate(self._places)
        known = np.concatenate(self._known)
        unknown = self._without_their_kind(rows, places)
        pictures = np.unique(places)
        half = np.isin(places, pictures[::2])
        fitted = self._fit(known[half], unknown[half], places[half], pictures[::2])
        scores, copies = self._hits(pictures[1::2])
        check = CalibrationCheck(
            expected_calibration_error(fitted.probability(scores), copies),
            float((~fitted.familiarity.knows(known[~half])).mean()),
            float((~fitted.familiarity.knows(unknown[~half])).mean()),
            len(pictures) // 2,
        )
        return self._fit(known, unknown, places, pictures), check

    def _fit(
        self,
        known: NDArray[np.float64],
        unknown: NDArray[np.float64],
        places: NDArray[np.int64],
        pictures: NDArray[np.int64],
    ) -> Calibration:
        scores, copies = self._hits(pictures)
        return fit_calibration(
            self._random(), scores, copies, fit_familiarity(known, unknown, places)
        )

    def _add_pairs(
        self, positions: NDArray[np.int64], scores: NDArray[np.float64], right: NDArray[np.bool_]
    ) -> None:
        there = np.isfinite(scores)
        owners = np.broadcast_to(positions[:, None], scores.shape)
        self._pairs.append((owners[there], scores[there], right[there]))

    def _hits(self, pictures: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the scores of all hits of some pictures' copies, and which are the original."""
        owners, scores, copies = (
            np.concatenate(column) for column in zip(*self._pairs, strict=True)
        )
        chosen = np.isin(owners, pictures)
        return scores[chosen], copies[chosen]

    def _right(self, batch: CopiesBatch) -> NDArray[np.bool_]:
        places = batch.found.positions
        return np.asarray(
            (self.same[places] == self.same[batch.positions][:, None]) & (places >= 0)
        )

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

    def _without_their_kind(
        self, rows: NDArray[np.float32], places: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the evidence of copies in a gallery without the cluster of their original."""
        clusters = self._clusters()
        found = Neighbours(
            np.full((len(rows), EVIDENCE_DEPTH), -np.inf),
            np.full((len(rows), EVIDENCE_DEPTH), -1, np.int64),
        )
        for cluster in np.unique(clusters[places]):
            mine, others = clusters[places] == cluster, np.flatnonzero(clusters != cluster)
            near = self.index.search(rows[mine], EVIDENCE_DEPTH, allowed=others)
            found.scores[mine], found.positions[mine] = near.scores, near.positions
        return evidence(self.index.embeddings, rows, found, self.widths)

    def _clusters(self) -> NDArray[np.int64]:
        """Return the number (N,) of each picture's cluster."""
        from sklearn.cluster import KMeans

        embeddings = self.index.embeddings
        count = min(CLUSTERS, max(2, len(embeddings) // PICTURES_A_CLUSTER))
        chosen = np.random.default_rng(self.seed).permutation(len(embeddings))[:CLUSTERED]
        means = KMeans(count, n_init=1, max_iter=25, random_state=self.seed % 2**32)
        means.fit(embeddings[np.sort(chosen)])
        return np.asarray(means.predict(embeddings), np.int64)


def keep_calibration(engine: EngineParts, calibration: Calibration) -> None:
    """Write a calibration into the engine's directory, beside the gallery that it is of.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    place = engine.layout.calibration
    beside = place.with_name(place.name + ".new")
    try:
        save_file(calibration.arrays(), beside, metadata=_identity(engine))
        beside.replace(place)
    except (OSError, SafetensorError) as error:
        raise StorageError(f"cannot write {place}: {error}") from error


def read_calibration(engine: EngineParts) -> Calibration | None:
    """Return the calibration of an engine; None if there is none that belongs to its gallery."""
    try:
        with safe_open(engine.layout.calibration, "numpy") as file:
            if file.metadata() != _identity(engine):
                return None
            return Calibration.from_arrays({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError):
        return None


def _identity(engine: EngineParts) -> dict[str, str]:
    manifest = engine.manifest
    return {
        "fingerprint": manifest.fingerprint,
        "pictures": str(len(engine.gallery)),
        "metric": manifest.metric,
    }
