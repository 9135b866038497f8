"""Codes of 8 bits in several parts, so that a single query too is compared by several processors.

faiss shares queries among its threads, not rows; and one processor does not read as fast as the
memory gives.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lookalike.ordered import usable_threads
from lookalike.types import Metric

__all__ = ["CodeShards"]

# Parts, at most: beyond, it is the memory that is waited for.
MOST = 4
# Numbers in a part, at least: with fewer it takes longer to wake another thread.
LEAST = 2_000_000
# What faiss turns a code c into: the first number + (c + 1/2) · the second / 255, which is c - 128
# up to the rounding.
CODE_RANGE = np.array([-128.5, 255], np.float32)

_Found = TypeVar("_Found")


class CodeShards:
    """Codes of rows, each part of consecutive rows.

    Args:
        width: of a row.
        count: rows that will be added.
        metric: "euclidean" finds the shortest distances, the others the largest products.
        parts: how many; None decides by the size and the processors there are.
    """

    def __init__(self, width: int, count: int, metric: Metric, parts: int | None = None) -> None:
        parts = parts or max(1, min(usable_threads(), MOST, width * count // LEAST))
        self.count = 0
        self._step = max(1, -(-count // parts))
        self._nearest_first = metric == "euclidean"
        self._width = width
        self._parts: list[Any] = []

    def add(self, codes: NDArray[np.uint8]) -> None:
        """Add the codes of the next rows (n, D)."""
        while len(codes):
            if self.count == len(self._parts) * self._step:
                self._parts.append(self._part())
            room = len(self._parts) * self._step - self.count
            self._parts[-1].add_sa_codes(np.ascontiguousarray(codes[:room]))
            self.count += min(room, len(codes))
            codes = codes[room:]

    def search(
        self, queries: NDArray[np.float32], count: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the best of each query, the best first.

        Args:
            queries: float32 (Q, D).
            count: how many.
            allowed: bool (N,), which rows may be found; None for all.

        Returns:
            float32 (Q, count), products or squared distances; int64 (Q, count), places, -1 where
            there are fewer.
        """
        queries = np.ascontiguousarray(queries)

        def search(number: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
            first = number * self._step
            some = None if allowed is None else _only(allowed[first : first + self._step])
            values, places = self._parts[number].search(queries, count, params=some)
            return values, np.where(places >= 0, places + first, -1)

        numbers = range(len(self._parts))
        if len(numbers) == 1:
            return search(0)
        if len(queries) > 1:  # these share faiss's own threads
            found = [search(number) for number in numbers]
        else:
            found = _side_by_side(search, numbers)
        values, places = (np.concatenate(one, axis=1) for one in zip(*found, strict=True))
        order = np.argsort(values if self._nearest_first else -values, axis=1, kind="stable")
        order = order[:, :count]
        return np.take_along_axis(values, order, axis=1), np.take_along_axis(places, order, axis=1)

    def _part(self) -> Any:  # noqa: ANN401 - one of faiss's own
        import faiss

        kind = faiss.METRIC_L2 if self._nearest_first else faiss.METRIC_INNER_PRODUCT
        # Not the kind named direct: that rounds queries too, for some widths.
        part = faiss.IndexScalarQuantizer(self._width, faiss.ScalarQuantizer.QT_8bit_uniform, kind)
        faiss.copy_array_to_vector(CODE_RANGE, part.sq.trained)
        part.is_trained = True
        return part


def _only(allowed: NDArray[np.bool_]) -> Any:  # noqa: ANN401 - one of faiss's own
    """Return what tells faiss which rows may be found."""
    import faiss

    library: Any = faiss  # its stubs are those of the C++ constructors
    bits = np.packbits(allowed, bitorder="little")
    return library.SearchParameters(sel=library.IDSelectorBitmap(bits))


def _side_by_side(search: Callable[[int], _Found], numbers: Sequence[int]) -> list[_Found]:
    """Search the first part here and the others on threads kept for it, or here if these are late.

    Each thread compares alone: those that faiss would start beside it had nothing to do but spin.
    """
    import faiss

    try:
        others = [_threads().submit(search, number) for number in numbers[1:]]
    except RuntimeError:  # the interpreter ends: there are no more threads
        return [search(number) for number in numbers]
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # of this thread
    try:
        found = [search(0)]
        for number, other in zip(numbers[1:], others, strict=True):
            found.append(search(number) if other.cancel() else other.result())
    finally:
        faiss.omp_set_num_threads(before)
    return found


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    """Threads that wait for the next query: to start them anew takes as long as to compare."""
    import faiss

    return ThreadPoolExecutor(
        MOST - 1, "lookalike-search", initializer=faiss.omp_set_num_threads, initargs=(1,)
    )


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # a child has none of them
