"""Embeddings rounded to 8 bits: a quarter of the bytes to read, and a bound on what that hides.

A row x is kept as a rounded row r. No product with a query q is further from the true one than
|q||x - r| (Cauchy and Schwarz), no distance further than |x - r| (the triangle inequality), and the
longest |x - r| is known. The query is rounded as well, and what that hides is known too. So the
true scores of the best by rounded rows say how low, by rounded rows, a row can be that is as good
as they are: all rows down to there are candidates, and none is missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import ExportError
from lookalike.gallery.codes import LARGEST, WIDEST, Codes, Scores
from lookalike.gallery.prepared import EPSILON, unit_rows
from lookalike.types import Metric

__all__ = ["FURTHEST", "Compared", "PackedRows", "pack"]

# Values rounded at once: they stay in a core's own cache.
VALUES = 1 << 17
# Rows that the steps are chosen by, and how much room is left above what is seen in them.
SAMPLE = 4_000
ROOM = 1.25
# Rows of numbers so many times as large as those of nearly all others do not count for the steps.
OUTLYING = 4
# Of this share, the rows that are rounded worst stand apart where the rest is rounded better by
# the factor: they are candidates of every query.
APART = 1e-3
BETTER = 1.25
# Values beyond are left to float64: squares and products would leave the range of float32.
SMALLEST, GREATEST = 1e-12, 1e12
# Scores by rounded rows beyond may have left the range of float32.
FURTHEST = 1e37


@dataclass(frozen=True)
class PackedRows:
    """The rows of a gallery in 8 bits a number.

    Attributes:
        metric: what orders them.
        codes: the rounded rows.
        steps: float64 (D,), what one unit of a code stands for; all the same under "euclidean".
        hidden: the longest difference between a row and its rounded one, of those not apart.
        longest: the length of the longest row.
        apart: int64, places of rows that are compared with every query.
        centre: float32 (D,), subtracted under "euclidean"; None for none.
    """

    metric: Metric
    codes: Codes
    steps: NDArray[np.float64]
    hidden: float
    longest: float
    apart: NDArray[np.int64]
    centre: NDArray[np.float32] | None

    def compare(
        self, queries: NDArray[np.float32], barred: NDArray[np.bool_] | None = None
    ) -> Compared:
        """Compare queries with all rounded rows.

        Args:
            queries: float32 (Q, D), as a person gives them.
            barred: bool (N,), which rows may not be found; None for none.
        """
        asked = _comparable(queries, self.metric, self.centre).astype(np.float64)
        far = self.metric == "euclidean"
        scaled = asked / self.steps if far else asked * self.steps
        units = np.abs(scaled).max(axis=1, initial=0) / LARGEST
        units[units == 0] = 1
        whole = np.rint(scaled / units[:, None])
        # Of |q - r|², what depends on the row is |r|² less twice the product.
        less = np.minimum(0.5 / units, FURTHEST) if far else np.zeros_like(units)
        return Compared(
            rows=self,
            scores=self.codes.compare(whole.astype(np.int8), less.astype(np.float32), barred),
            units=units,
            squares=np.square(whole).sum(axis=1),
            lost=np.linalg.norm(scaled - whole * units[:, None], axis=1),
            lengths=np.linalg.norm(asked, axis=1),
        )


@dataclass(frozen=True)
class Compared:
    """Scores of queries by rounded rows.

    Attributes:
        rows: what they were compared with.
        scores: products of rounded queries with codes; under "euclidean" less half the squared
            lengths of the codes, so that the nearest have the largest.
        units: float64 (Q,), what one unit of each rounded query stands for, in steps of the rows.
        squares: float64 (Q,), the squared lengths of the rounded queries.
        lost: float64 (Q,), the length of what rounding took from each query, in steps of the rows.
        lengths: float64 (Q,), the lengths of the queries.
    """

    rows: PackedRows
    scores: Scores
    units: NDArray[np.float64]
    squares: NDArray[np.float64]
    lost: NDArray[np.float64]
    lengths: NDArray[np.float64]

    def lowest(self, number: int, true: float) -> float:
        """Return how low the score can be of a row that scores at least `true`, as it is.

        Args:
            number: of the query.
            true: a score by the embeddings: a similarity, or a negative distance.
        """
        rows, unit, length = self.rows, self.units[number], self.lengths[number]
        rounding = EPSILON * (len(rows.steps) + 16)  # of what is compared, in float32
        hidden = rows.hidden + rounding * (rows.longest + rows.hidden)
        if rows.metric == "euclidean":
            far = -true * (1 + rounding) + hidden + rounding * length
            far = far / rows.steps[0] + self.lost[number]
            low = (unit * self.squares[number] - far / unit * far) / 2
        else:
            low = (true - length * hidden - self.lost[number] * rows.codes.longest) / unit
        return float(low - self._doubt(number))

    def fit(self, number: int) -> bool:
        """Return whether the scores of a query are such as can be relied on."""
        return self._doubt(number) < FURTHEST * EPSILON

    def _doubt(self, number: int) -> float:
        """Return how far a score may be from the one of the rounded rows, for sums in float32."""
        largest = LARGEST**2 * len(self.rows.steps)
        if self.rows.metric == "euclidean":
            largest += self.rows.codes.longest**2 / 2 / self.units[number]
        return float(4 * EPSILON * largest)


def pack(
    rows: NDArray[np.float32], metric: Metric, centre: NDArray[np.float32] | None = None
) -> PackedRows | None:
    """Round rows; None where they are too wide, or their numbers too large or small.

    Args:
        rows: float32 (N, D).
        metric: what orders them; rows are brought to one length under "cosine".
        centre: float32 (D,), subtracted under "euclidean"; None for none.
    """
    steps = None if rows.shape[1] > WIDEST else _steps(rows, metric, centre)
    if steps is None:
        return None
    kept = Codes(rows.shape[1], len(rows))
    hidden, longest = np.empty(len(rows)), 0.0
    for start, block in _blocks(rows, metric, centre):
        part = slice(start, start + len(block))
        codes, hidden[part] = _rounded(block, steps)
        longest = max(longest, float(np.sqrt(np.einsum("nd,nd->n", block, block).max())))
        try:
            kept.add(codes)
        except ExportError:  # searches go on as they are
            return None
    if not longest < GREATEST:
        return None
    apart, worst = _apart(hidden)
    wide = steps.astype(np.float64)
    return PackedRows(metric, kept, wide, worst, longest * (1 + 1e-4), apart, centre)


def _comparable(
    rows: NDArray[np.float32], metric: Metric, centre: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """Return rows as they are compared, up to rounding in float32."""
    if metric == "cosine":
        squares = np.einsum("nd,nd->n", rows, rows)[:, None]
        plain = bool(((squares > SMALLEST) & (squares < GREATEST)).all())
        return rows / np.sqrt(squares) if plain else unit_rows(rows)
    return rows if centre is None else rows - centre


def _blocks(
    rows: NDArray[np.float32], metric: Metric, centre: NDArray[np.float32] | None
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    step = max(1, VALUES // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        yield start, _comparable(rows[start : start + step], metric, centre)


def _steps(
    rows: NDArray[np.float32], metric: Metric, centre: NDArray[np.float32] | None
) -> NDArray[np.float32] | None:
    """Return the step of each dimension, by some of the rows; None where none is fit."""
    some = _comparable(rows[:: 1 + len(rows) // SAMPLE], metric, centre)
    sizes = np.abs(some).max(axis=1, initial=0)
    usual = sizes <= OUTLYING * np.quantile(sizes, 1 - APART)
    largest = np.abs(some[usual]).max(axis=0, initial=0)
    greatest = float(largest.max(initial=0))
    if not SMALLEST < greatest < GREATEST:
        return None
    if metric == "euclidean":  # a distance cannot be taken apart by dimensions
        largest = np.full_like(largest, greatest)
    steps = np.maximum(largest, greatest * 1e-6) * (ROOM / LARGEST)
    return np.asarray(steps, np.float32)


def _rounded(
    rows: NDArray[np.float32], steps: NDArray[np.float32]
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Return the codes (n, D) of rows, and the lengths (n,) of what the rounding hides."""
    values = rows / steps
    np.rint(values, out=values)
    np.clip(values, -LARGEST, LARGEST, out=values)
    codes = values.astype(np.int8)
    values *= steps
    values -= rows
    squares = np.einsum("nd,nd->n", values, values).astype(np.float64)
    # The difference was computed in float32, and rows of one length are that up to rounding.
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows).astype(np.float64))
    doubt = EPSILON * (rows.shape[1] + 8)
    return codes, np.sqrt(squares) * (1 + doubt) + doubt * lengths


def _apart(hidden: NDArray[np.float64]) -> tuple[NDArray[np.int64], float]:
    """Return the places of the few rows that are rounded much worse, and the worst of the rest."""
    worst = float(hidden.max(initial=0))
    few = int(APART * len(hidden))
    if few:
        rest = float(np.partition(hidden, len(hidden) - few - 1)[len(hidden) - few - 1])
        if worst > BETTER * rest:
            return np.flatnonzero(hidden > rest), rest
    return np.zeros(0, np.int64), worst
