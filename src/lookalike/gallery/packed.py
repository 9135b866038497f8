"""Embeddings rounded to 8 bits: a quarter of the bytes to read, and a bound on what that hides.

A row x is kept as a rounded row r. No product with a query q is further from the true one than
|q||x - r| (Cauchy and Schwarz), no distance further than |x - r| (the triangle inequality), and the
longest |x - r| is known. So the nearest by rounded rows are candidates; where the true score of
the last hit is above all that any other row can have, none was missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery.neighbours import Neighbours
from lookalike.gallery.prepared import EPSILON, TINY, unit_rows
from lookalike.gallery.shards import CodeShards
from lookalike.types import Metric

__all__ = ["Candidates", "PackedRows", "pack", "search_packed"]

Score = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float64]]

# Largest rounded value: 8 bits with a sign.
LARGEST = 127
# Of what faiss turns a code into.
CODE_ROUNDING = 1e-4
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
# Candidates asked for: at first at least so many, then more by the factor while some query needs
# them; where it would be more than the most, all rows are compared.
LEAST, MORE, MOST = 128, 8, 4_096
# Values beyond are left to float64: squares and products would leave the range of float32.
SMALLEST, GREATEST = 1e-12, 1e12
# Products and squared distances of rounded rows beyond may have left the range of float32.
FURTHEST = 1e37


@dataclass(frozen=True)
class Candidates:
    """Rows that may be the nearest of each query, and how good any other can be.

    Attributes:
        places: int64 (Q, C), of the rows; -1 where there are fewer.
        bound: float64 (Q,), no row that is not among them has a higher score.
    """

    places: NDArray[np.int64]
    bound: NDArray[np.float64]


@dataclass(frozen=True)
class PackedRows:
    """The rows of a gallery in 8 bits a number.

    Attributes:
        metric: what orders them.
        codes: the rounded rows.
        steps: float32 (D,), what one unit of a rounded value stands for; all the same under
            "euclidean".
        hidden: the longest difference between a row and its rounded one, of those not apart.
        longest: the length of the longest row.
        apart: int64, places of rows that are compared with every query.
        centre: float32 (D,), subtracted under "euclidean"; None for none.
    """

    metric: Metric
    codes: CodeShards
    steps: NDArray[np.float32]
    hidden: float
    longest: float
    apart: NDArray[np.int64]
    centre: NDArray[np.float32] | None

    def nearest(
        self,
        queries: NDArray[np.float32],
        count: int,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Candidates:
        """Return the `count` nearest by rounded rows, and those apart.

        Args:
            queries: float32 (Q, D), as a person gives them.
            count: how many.
            allowed: bool (N,), which rows may be found; None for all.
        """
        asked = _comparable(queries, self.metric, self.centre)
        euclidean = self.metric == "euclidean"
        scaled = asked / self.steps if euclidean else asked * self.steps
        values, places = self.codes.search(scaled, count, allowed)
        there = self.codes.count if allowed is None else np.count_nonzero(allowed)
        # Places are lacking where there are no more rows; or where products are too large to be.
        complete = (places >= 0).sum(axis=1) == there
        bound = np.where(complete, -np.inf, self._bound(asked, values[:, -1]))
        return Candidates(self._with_apart(places, allowed), bound)

    def _bound(self, asked: NDArray[np.float32], last: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the best score that a row behind the last one, by rounded rows, can have."""
        lengths = np.linalg.norm(asked.astype(np.float64), axis=1)
        reach = lengths + self.longest + self.hidden
        rounding = EPSILON * (asked.shape[1] + 16)  # of sums in float32, and of what is summed
        if self.metric == "euclidean":
            far = np.sqrt(np.maximum(last, 0).astype(np.float64)) * float(self.steps[0])
            bound = self.hidden + rounding * (reach + far) - far
        else:
            bound = last + lengths * (self.hidden + rounding * reach)
            bound += TINY * LARGEST * asked.shape[1]  # what vanished from single products
        return np.where(np.abs(last) < FURTHEST, bound, np.inf)

    def _with_apart(
        self, places: NDArray[np.int64], allowed: NDArray[np.bool_] | None
    ) -> NDArray[np.int64]:
        apart = self.apart if allowed is None else self.apart[allowed[self.apart]]
        if not len(apart):
            return places
        places = np.where(np.isin(places, apart), -1, places)
        return np.concatenate([places, np.broadcast_to(apart, (len(places), len(apart)))], axis=1)


def pack(
    rows: NDArray[np.float32], metric: Metric, centre: NDArray[np.float32] | None = None
) -> PackedRows | None:
    """Round rows; None where their numbers are too large or too small for it.

    Args:
        rows: float32 (N, D).
        metric: what orders them; rows are brought to one length under "cosine".
        centre: float32 (D,), subtracted under "euclidean"; None for none.
    """
    steps = _steps(rows, metric, centre)
    if steps is None:
        return None
    shards = CodeShards(rows.shape[1], len(rows), metric)
    hidden, longest = np.empty(len(rows)), 0.0
    for start, block in _blocks(rows, metric, centre):
        part = slice(start, start + len(block))
        codes, hidden[part] = _rounded(block, steps)
        longest = max(longest, float(np.sqrt(np.einsum("nd,nd->n", block, block).max())))
        shards.add(codes)
    if not longest < GREATEST:
        return None
    hidden += CODE_ROUNDING * float(np.linalg.norm(steps))
    apart, worst = _apart(hidden)
    return PackedRows(metric, shards, steps, worst, longest * (1 + 1e-4), apart, centre)


def search_packed(
    packed: PackedRows,
    score: Score,
    queries: NDArray[np.float32],
    columns: int,
    *,
    allowed: NDArray[np.bool_] | None = None,
    exclude: NDArray[np.int64] | None = None,
) -> tuple[Neighbours, NDArray[np.int64]]:
    """Find the nearest of each query, and say for which queries that did not succeed.

    Args:
        packed: the gallery's rows.
        score: gives the true scores (Q, C) of queries (Q, D) with places (Q, C).
        queries: float32 (Q, D).
        columns: how many to return.
        allowed: bool (N,), which rows may be found; None for all.
        exclude: int64 (Q,), a place that each query must not find, or -1.

    Returns:
        The neighbours, and the numbers of the queries that too many rows are near to.
    """
    found = Neighbours(
        np.full((len(queries), columns), -np.inf), np.full((len(queries), columns), -1, np.int64)
    )
    left, asked = np.arange(len(queries)), max(LEAST, 2 * columns + 16)
    while len(left) and asked <= min(MOST, packed.codes.count):
        near = packed.nearest(queries[left], asked, allowed)
        scores = score(queries[left], np.maximum(near.places, 0))
        scores[near.places < 0] = -np.inf
        if exclude is not None:
            scores[near.places == exclude[left, None]] = -np.inf
        order = np.lexsort((near.places, -scores), axis=1)[:, :columns]
        scores = np.take_along_axis(scores, order, axis=1)
        places = np.take_along_axis(near.places, order, axis=1)
        found.scores[left] = scores
        found.positions[left] = np.where(scores > -np.inf, places, -1)
        # An equal score is not enough: the other row may come first in the gallery.
        left = left[~((scores[:, -1] > near.bound) | np.isneginf(near.bound))]
        asked *= MORE
    return found, left


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
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return the codes (n, D) of rows, and the lengths (n,) of what the rounding hides."""
    values = rows / steps
    np.rint(values, out=values)
    np.clip(values, -LARGEST, LARGEST, out=values)
    codes = (values + 128).astype(np.uint8)
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
