"""Ways to find the ten nearest: ours, and the field's libraries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    pass

__all__ = ["K", "NearestWays"]

K = 10
BLOCK = 16_384  # rows that numpy multiplies at once: all products of a batch would be 400 MB
# Links of a picture in the graphs of the approximate ways, and candidates in building and search.
LINKS, BUILDING, SEARCHING = 32, 80, 128

Found = NDArray[np.int64]
Asking = Callable[[NDArray[np.float32]], Found]


@dataclass
class NearestWays:
    """Every way over one gallery; each returns int64 (Q, K), the places of the nearest.

    Attributes:
        rows: float32 (N, D), the gallery.
        absent: libraries that are not installed.
    """

    rows: NDArray[np.float32]
    absent: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        from lookalike.gallery import ExactIndex

        self.index = ExactIndex(self.rows, "euclidean")
        self.index.quicken()
        self.plain = ExactIndex(self.rows, "euclidean", rounds=False)
        self._squares = np.square(self.rows).sum(axis=1)

    def exact(self) -> dict[str, Asking]:
        """Return the exact ways by name, ours first."""
        ways: dict[str, Asking] = {
            "ours": lambda queries: self.index.search(queries, K).positions,
            "ours, in float32 alone": lambda queries: self.plain.search(queries, K).positions,
            "faiss flat": self.faiss_flat(),
            "numpy": self.numpy,
            "scikit-learn": self.scikit_learn(),
        }
        usearch = self.usearch()
        return ways if usearch is None else {**ways, "usearch exact": usearch}

    def approximate(self) -> dict[str, Asking]:
        """Return the ways that may miss a neighbour, by name."""
        import faiss

        graph: Any = faiss.IndexHNSWFlat(self.rows.shape[1], LINKS)
        graph.hnsw.efConstruction = BUILDING
        graph.add(self.rows)
        graph.hnsw.efSearch = SEARCHING
        ways: dict[str, Asking] = {"faiss HNSW": lambda queries: graph.search(queries, K)[1]}
        usearch = self.usearch_graph()
        return ways if usearch is None else {**ways, "usearch HNSW": usearch}

    def faiss_flat(self) -> Asking:
        """Return faiss's comparison of everything."""
        import faiss

        flat: Any = faiss.IndexFlatL2(self.rows.shape[1])
        flat.add(self.rows)
        return lambda queries: flat.search(queries, K)[1]

    def numpy(self, queries: NDArray[np.float32]) -> Found:
        """Multiply matrices, block by block, and take the best of each block."""
        scores, places = [], []
        for start in range(0, len(self.rows), BLOCK):
            block = slice(start, start + BLOCK)
            far = self._squares[block] - 2 * (queries @ self.rows[block].T)
            few = np.argpartition(far, min(K, far.shape[1] - 1), axis=1)[:, :K]
            scores.append(np.take_along_axis(far, few, axis=1))
            places.append(few + start)
        every, found = np.concatenate(scores, axis=1), np.concatenate(places, axis=1)
        order = np.argsort(every, axis=1)[:, :K]
        return np.take_along_axis(found, order, axis=1)

    def scikit_learn(self) -> Asking:
        """Return scikit-learn's brute force."""
        from sklearn.neighbors import NearestNeighbors

        model = NearestNeighbors(n_neighbors=K, algorithm="brute").fit(self.rows)
        return lambda queries: model.kneighbors(queries, return_distance=False)

    def cdist(self) -> Asking:
        """Return torch's distances, and the smallest of them: the seeds' way."""
        import torch

        rows = torch.from_numpy(self.rows)

        def ask(queries: NDArray[np.float32]) -> Found:
            far = torch.cdist(torch.from_numpy(queries), rows)
            return np.asarray(far.topk(K, largest=False).indices)

        return ask

    def usearch(self) -> Asking | None:
        """Return usearch's comparison of everything; None where it is not installed."""
        try:
            from usearch.index import MetricKind, search
        except ImportError:
            self.absent = ("usearch",)
            return None

        def ask(queries: NDArray[np.float32]) -> Found:
            found = search(self.rows, queries, K, MetricKind.L2sq, exact=True)
            return np.asarray(found.keys, np.int64).reshape(len(queries), K)

        return ask

    def usearch_graph(self) -> Asking | None:
        """Return usearch's graph; None where it is not installed."""
        try:
            from usearch.index import Index
        except ImportError:
            self.absent = ("usearch",)
            return None
        graph = Index(
            ndim=self.rows.shape[1],
            metric="l2sq",
            connectivity=LINKS,
            expansion_add=BUILDING,
            expansion_search=SEARCHING,
        )
        graph.add(np.arange(len(self.rows)), self.rows)

        def ask(queries: NDArray[np.float32]) -> Found:
            return np.asarray(graph.search(queries, K).keys, np.int64).reshape(len(queries), K)

        return ask
