"""Rows made ready to be compared in float32, and the blocks in which a gallery is read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.types import Metric

__all__ = [
    "BLOCK_BYTES",
    "EPSILON",
    "EQUAL",
    "LARGEST",
    "TINY",
    "Block",
    "Prepared",
    "block_rows",
    "prepare",
    "prepared_as_they_are",
    "squares_of",
    "unit_rows",
]

# Bytes of a block: what a scan needs beside the gallery is a few times this.
BLOCK_BYTES = 16_000_000
# Lengths that differ by no more than this share count as one: rounding makes that of unit vectors.
EQUAL = 1e-5
EPSILON = float(np.finfo(np.float32).eps)
# Products below TINY vanish in float32; sums near LARGEST may have overflowed on the way.
TINY = float(np.finfo(np.float32).tiny)
LARGEST = float(np.finfo(np.float32).max)
# Squared lengths within these are summed in float32.
SMALL, GREAT = 1e-24, 1e24


@dataclass(frozen=True)
class Prepared:
    """Rows such that products, or distances, in float32 order them by a metric.

    Attributes:
        rows: float32 (N, D), contiguous.
        longest: the length of the longest.
        scale: under "cosine", the cosines are the products divided by it,
        skew: but for this share.
        halves: float32 (N,), half the squared length of each under "euclidean".
    """

    rows: NDArray[np.float32]
    longest: float
    scale: float = 1.0
    skew: float = 0.0
    halves: NDArray[np.float32] | None = None

    def part(self, places: NDArray[np.int64] | slice) -> Prepared:
        """Return some of the rows."""
        halves = None if self.halves is None else self.halves[places]
        return Prepared(self.rows[places], self.longest, self.scale, self.skew, halves)


@dataclass(frozen=True)
class Block:
    """Rows of a gallery that are searched at once.

    Attributes:
        rows: float32 (N, D), as they are stored.
        places: int64 (N,), of these rows in the gallery; None for 0 to N - 1.
        prepared: the same rows as they are compared in float32.
    """

    rows: NDArray[np.float32]
    places: NDArray[np.int64] | None
    prepared: Prepared


def block_rows(width: int, block_bytes: int = BLOCK_BYTES) -> int:
    """Return how many rows of this width make a block."""
    return max(1, block_bytes // (4 * max(1, width)))


def prepare(
    rows: NDArray[np.float32], metric: Metric, centre: NDArray[np.float32] | None = None
) -> Prepared:
    """Return a copy of rows to compare in float32, or the rows where nothing has to be done.

    Args:
        rows: float32 (N, D).
        metric: what orders them.
        centre: float32 (D,), subtracted under "euclidean": distances far from the origin cancel
            in float32. None for none.
    """
    if metric == "euclidean" and centre is not None:
        rows = rows - centre
    found = prepared_as_they_are(rows, metric, squares_of(rows))
    return Prepared(unit_rows(rows), 1.0) if found is None else found


def prepared_as_they_are(
    rows: NDArray[np.float32],
    metric: Metric,
    squares: NDArray[np.float64],
    equal: float = EQUAL,
) -> Prepared | None:
    """Return rows to compare in float32 with nothing done to them; None where that cannot be.

    Args:
        rows: float32 (N, D).
        metric: what orders them; under "euclidean" they are not far from the origin.
        squares: float64 (N,), their squared lengths, as `squares_of` gives them.
        equal: lengths that differ by no more than this share count as one under "cosine".
    """
    rows = np.ascontiguousarray(rows)
    rounding = 1 + EPSILON * (rows.shape[1] + 8) / 4  # of roots of sums of D squares in float32
    longest = float(np.sqrt(squares.max(initial=0))) * rounding
    if metric == "inner":
        return Prepared(rows, longest)
    if metric == "euclidean":
        return Prepared(rows, longest, halves=_halves_of(squares))
    shortest = float(np.sqrt(squares.min(initial=np.inf))) / rounding
    if 0 < shortest < np.inf and longest <= shortest * (1 + equal + 2 * (rounding - 1)):
        return Prepared(rows, longest, longest, 2 * (longest / shortest - 1))
    return None


def _halves_of(squares: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return half the squared lengths (N,); infinite where they are beyond float32."""
    with np.errstate(over="ignore"):
        return (squares / 2).astype(np.float32)


def squares_of(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the squared lengths (N,) of rows (N, D), up to rounding in float32."""
    with np.errstate(over="ignore"):
        squares = np.einsum("nd,nd->n", rows, rows)
    if len(rows) and not (squares.min() > SMALL and squares.max() < GREAT):
        squares = np.einsum("nd,nd->n", rows, rows, dtype=np.float64)
    return np.asarray(squares, np.float64)


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows (N, D) brought to length 1; those of length 0 as they are."""
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    return (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)
