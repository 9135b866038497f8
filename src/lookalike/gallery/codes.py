"""Rows of 8 bits a number, compared with queries of 8 bits by products of ONNX Runtime.

Its product of bytes reads them as fast as the memory gives, by several processors at once.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.cpu_sessions import cpu_session
from lookalike.ordered import usable_threads

__all__ = ["LARGEST", "WIDEST", "Codes", "Scores"]

# Largest number of a row or a query.
LARGEST = 127
# Numbers in a row, at most: products are sums in 32 bits, of bytes without a sign on some machines.
WIDEST = (1 << 31) // (1 << 16)
# Threads that multiply, at most: beyond, it is the memory that is waited for.
THREADS = 4
# Bytes in one session. A few times as many are needed while it is made; so large, they have pages
# of their own, which go back to the system when they are freed.
PART = 34_000_000
# Of so many scores the best is taken out: where it is too low the others are not looked at.
GROUP = 128


class Scores:
    """How well rows fit queries; the higher the better.

    Args:
        values: float32 (Q, M), in the order of the rows; -inf for those that may not be found, and
            behind the last one. M is a multiple of GROUP.
    """

    def __init__(self, values: NDArray[np.float32]) -> None:
        self.values = values
        # Groups of values far apart: the greatest of many groups are then found side by side.
        self._groups = values.reshape(len(values), GROUP, -1)
        self._best: NDArray[np.float32] = self._groups.max(axis=1)

    def from_(self, number: int, low: float) -> NDArray[np.int64]:
        """Return the places, in order, of the rows that score so much with a query, or more."""
        groups = np.flatnonzero(self._best[number] >= low)
        row, column = np.nonzero(self._groups[number][:, groups] >= low)
        return np.asarray(row * self._best.shape[1] + groups[column], np.int64)

    def highest(self, number: int, count: int) -> NDArray[np.int64]:
        """Return the places, in order, of the `count` rows that fit a query best.

        There are so many that may be found. Further ones come with them that score alike, or
        little less.
        """
        best = self._best[number]
        if len(best) >= count:  # so many groups have one row each that is no worse
            low = _greatest(best, count)
            places = self.from_(number, low)
            if low > -np.inf and len(places) <= 4 * count + GROUP:
                return places
        return self.from_(number, _greatest(self.values[number], count))


class Codes:
    """Rows of whole numbers from -127 to 127.

    Args:
        width: of a row, `WIDEST` at most.
        count: rows that will be added, one at least.
    """

    def __init__(self, width: int, count: int) -> None:
        self.width, self.count = width, count
        # The squared lengths of the rows, float32 (N,).
        self.squares = np.empty(count, np.float32)
        self._step = max(1, PART // max(1, width))
        self._parts: list[_Part] = []
        self._added = 0
        self._next = np.empty((width, 0), np.int8)

    @cached_property
    def longest(self) -> float:
        """The length of the longest row."""
        return float(np.sqrt(self.squares.max(initial=0)))

    def add(self, codes: NDArray[np.int8]) -> None:
        """Add the next rows (n, D)."""
        # Whole numbers, which float32 holds up to 2²⁴.
        exact = np.float32 if LARGEST**2 * self.width < 1 << 24 else np.float64
        while len(codes):
            filled = self._added % self._step
            if not filled:
                left = self.count - self._added
                self._next = np.empty((self.width, min(self._step, left)), np.int8)
            some = codes[: self._next.shape[1] - filled]
            self._next[:, filled : filled + len(some)] = some.T
            squares = np.einsum("nd,nd->n", some, some, dtype=exact)
            self.squares[self._added : self._added + len(some)] = squares
            self._added += len(some)
            if filled + len(some) == self._next.shape[1]:
                self._parts.append(_Part(self._next, min(THREADS, usable_threads())))
                self._next = np.empty((self.width, 0), np.int8)
            codes = codes[len(some) :]

    def compare(
        self,
        queries: NDArray[np.int8],
        less: NDArray[np.float32],
        barred: NDArray[np.bool_] | None = None,
    ) -> Scores:
        """Return the products of queries with all rows, less a share of the rows' squared lengths.

        Args:
            queries: (Q, D), numbers from -127 to 127.
            less: float32 (Q,), these shares.
            barred: bool (N,), which rows may not be found; None for none.
        """
        values = np.empty((len(queries), GROUP * -(-self.count // GROUP)), np.float32)
        values[:, self.count :] = -np.inf
        larger = queries.view(np.uint8) ^ np.uint8(128)
        for number, part in enumerate(self._parts):
            rows = slice(number * self._step, min((number + 1) * self._step, self.count))
            there = values[:, rows]
            products = part.products(larger)
            if not less.any():
                np.copyto(there, products, casting="unsafe")
                continue
            with np.errstate(over="ignore"):
                np.multiply(less[:, None], self.squares[rows], out=there)
            np.subtract(products, there, out=there, dtype=np.float32, casting="unsafe")
        if barred is not None:
            np.copyto(values[:, : self.count], -np.inf, where=barred)
        return Scores(values)


def _greatest(values: NDArray[np.float32], count: int) -> float:
    """Return the least of the `count` greatest values."""
    return float(np.partition(values, len(values) - count)[len(values) - count])


class _Part:
    """Columns (D, N), and what multiplies them.

    Args:
        columns: int8, contiguous; written to.
        threads: that share one product.
        signed: whether products are of signed columns; None decides by what is exact here.
    """

    def __init__(
        self, columns: NDArray[np.int8], threads: int, *, signed: bool | None = None
    ) -> None:
        signed = _signed_is_exact() if signed is None else signed
        kept: NDArray[Any] = columns
        if not signed:
            kept = columns.view(np.uint8)
            kept ^= np.uint8(128)
        self._session = cpu_session(_product(kept), threads, {"columns": kept})
        # It has them in an order of its own, and no version seen reads them where they were given;
        # that is not promised, so it is tried: most often they need not be here twice.
        self._columns = kept if self._reads(kept) else None

    def products(self, queries: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Return the products of the columns with queries (Q, D), which are larger by 128."""
        (found,) = self._session.run(None, {"queries": queries})
        return np.asarray(found, np.int32)

    def _reads(self, columns: NDArray[Any]) -> bool:
        """Return whether a product changes with the memory that the columns were given in."""
        one = np.full((2, len(columns)), 129, np.uint8)
        before = self.products(one)
        columns[0] ^= 1
        after = self.products(one)
        columns[0] ^= 1
        return not np.array_equal(before, after)


def _product(columns: NDArray[Any]) -> bytes:
    """Return a model of the products of queries, less 128, with columns (D, N) given apart."""
    from onnx import TensorProto, external_data_helper, helper, numpy_helper

    kind = helper.np_dtype_to_tensor_dtype(columns.dtype)
    elsewhere = TensorProto(name="columns", data_type=kind, dims=columns.shape, raw_data=b"")
    external_data_helper.set_external_data(
        elsewhere, location="columns", offset=0, length=columns.nbytes
    )
    elsewhere.ClearField("raw_data")
    zeros = ["zero"] if columns.dtype == np.int8 else ["zero", "zero"]  # of queries; of columns
    width, count = columns.shape
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["queries", "columns", *zeros], ["products"])],
        "codes",
        [helper.make_tensor_value_info("queries", TensorProto.UINT8, ["count", width])],
        [helper.make_tensor_value_info("products", TensorProto.INT32, ["count", count])],
        [elsewhere, numpy_helper.from_array(np.array(128, np.uint8), "zero")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


@lru_cache(maxsize=1)
def _signed_is_exact() -> bool:
    """Return whether bytes are multiplied with signed ones without loss.

    Processors without instructions for it add two such products in 16 bits, which may be too few;
    products of unsigned bytes are slower and exact on all.
    """
    part = _Part(np.full((64, 64), LARGEST, np.int8), 1, signed=True)
    for count in (1, 2, 8):
        queries = np.full((count, 64), 255, np.uint8)
        if (part.products(queries) != 64 * (255 - 128) * LARGEST).any():
            return False
    return True
