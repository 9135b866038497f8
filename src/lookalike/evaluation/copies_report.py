"""What a measurement of edited copies gives: the rank of every original, and its summaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import SettingsError

__all__ = ["LEAST_DEPTH", "CopiesReport", "CopiesRow", "check_name"]

LEAST_DEPTH = 10


@dataclass(frozen=True)
class CopiesRow:
    """How well the copies of one edit and strength found their originals.

    Attributes:
        edit: a name of `EDITS`, or "mean" for the mean over all edits measured.
        strength: one of `STRENGTHS`.
        recall_at_1: share of the copies whose first hit is the original.
        recall_at_10: share of the copies with the original among the first 10 hits.
        score: mean similarity of copy and original, in the index's scores (higher is closer).
    """

    edit: str
    strength: str
    recall_at_1: float
    recall_at_10: float
    score: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class CopiesReport:
    """Where E edits at S strengths of P pictures found their originals.

    Attributes:
        edits: E names of `EDITS`.
        strengths: S of `STRENGTHS`.
        positions: int64 (P,), the places in the gallery of the pictures edited.
        ranks: int64 (E, S, P), the rank of the original, 1 is the first; 0 where it is not among
            the first `k`.
        scores: float64 (E, S, P), similarity of each copy and its original, higher is closer.
        k: hits looked at for each copy, at least 10.
        gallery: pictures searched.
        left_out: positions whose picture could not be read.
    """

    edits: tuple[str, ...]
    strengths: tuple[str, ...]
    positions: NDArray[np.int64]
    ranks: NDArray[np.int64]
    scores: NDArray[np.float64]
    k: int
    gallery: int
    left_out: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        shape = (len(self.edits), len(self.strengths), len(self.positions))
        if self.ranks.shape != shape or self.scores.shape != shape or 0 in shape:
            raise SettingsError(
                f"ranks are {self.ranks.shape}, scores {self.scores.shape}: wanted {shape}, "
                "of at least one edit, strength and picture"
            )
        if self.k < LEAST_DEPTH or not ((self.ranks >= 0) & (self.ranks <= self.k)).all():
            raise SettingsError(
                f"ranks run from {self.ranks.min()} to {self.ranks.max()} of {self.k} hits: "
                f"wanted 0 to k, and k of at least {LEAST_DEPTH}"
            )

    @property
    def pictures(self) -> int:
        """P: how many pictures were edited."""
        return len(self.positions)

    def recall_at(self, k: int) -> NDArray[np.float64]:
        """Return recall@k, float64 (E, S).

        Raises:
            SettingsError: k is not between 1 and the number of hits looked at.
        """
        if not 1 <= k <= self.k:
            raise SettingsError(f"k is {k}: wanted 1 to {self.k}, the hits looked at")
        return np.asarray(((self.ranks >= 1) & (self.ranks <= k)).mean(axis=2))

    @property
    def recall_at_1(self) -> NDArray[np.float64]:
        """Recall@1, float64 (E, S)."""
        return self.recall_at(1)

    @property
    def recall_at_10(self) -> NDArray[np.float64]:
        """Recall@10, float64 (E, S)."""
        return self.recall_at(10)

    def row(self, edit: str, strength: str) -> CopiesRow:
        """Return the figures of one edit at one strength.

        Raises:
            SettingsError: it was not measured.
        """
        at = check_name(edit, self.edits, "edit"), check_name(strength, self.strengths, "strength")
        return CopiesRow(
            edit,
            strength,
            float(self.recall_at_1[at]),
            float(self.recall_at_10[at]),
            float(self.scores[at].mean()),
        )

    def rows(self) -> tuple[CopiesRow, ...]:
        """Return every edit at every strength, edit by edit."""
        return tuple(self.row(edit, name) for edit in self.edits for name in self.strengths)

    def mean(self, strength: str) -> CopiesRow:
        """Return the mean over all edits at one strength; every edit counts the same.

        Raises:
            SettingsError: the strength was not measured.
        """
        at = check_name(strength, self.strengths, "strength")
        return CopiesRow(
            "mean",
            strength,
            float(self.recall_at_1[:, at].mean()),
            float(self.recall_at_10[:, at].mean()),
            float(self.scores[:, at].mean()),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, ready for JSON; not those of single copies."""
        return {
            "pictures": self.pictures,
            "gallery": self.gallery,
            "left_out": list(self.left_out),
            "rows": [row.as_dict() for row in self.rows()],
            "means": [self.mean(strength).as_dict() for strength in self.strengths],
        }


def check_name(name: str, names: Sequence[str], what: str) -> int:
    """Return where `name` stands among `names`; what is unknown is an error that lists them."""
    if name not in names:
        raise SettingsError(f"unknown {what} {name!r}: wanted one of {', '.join(names)}")
    return names.index(name)
