"""Spectral search: diffusion over the whole gallery, paid for once.

Iscen, Avrithis, Tolias, Furon and Chum, "Fast Spectral Ranking for Similarity Search" (2018),
https://arxiv.org/abs/1703.06935: diffusion is a product with a function of the graph's matrix, so
the graph's first eigenvectors turn it into a search by inner product.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import QueryError, SettingsError
from lookalike.gallery import ExactIndex, Neighbours
from lookalike.search.diffusion import check_graph, normalised_graph
from lookalike.search.expansion import unit_rows
from lookalike.search.settings import SearchSettings

__all__ = ["SpectralIndex", "SpectralSettings", "spectral_axes"]

# Up to so many pictures all eigenvectors are computed; beyond, only those that are kept.
DENSE = 600
# Similarity of a gallery to itself is computed for so many rows at once.
BLOCK = 4096


@dataclass(frozen=True)
class SpectralSettings:
    """How a spectral index is prepared and used.

    Attributes:
        neighbours: of each picture in the graph.
        gamma: power of the similarities.
        rank: eigenvectors kept; 28 to 32 were best for the 10 kinds of Fashion-MNIST.
        damping: how far similarity flows; 0 ≤ damping < 1.
        sources: neighbours of a query that give it its axes.
        weight: of the axes against the cosine, 0 to 1.
    """

    neighbours: int = 50
    gamma: float = 3.0
    rank: int = 32
    damping: float = 0.99
    sources: int = 5
    weight: float = 0.6

    def __post_init__(self) -> None:
        check_graph(self.neighbours, self.gamma, self.damping, self.sources)
        if self.rank < 1 or not 0 <= self.weight <= 1:
            raise SettingsError(
                f"rank is {self.rank}, weight is {self.weight}: "
                "wanted rank at least 1, weight from 0 to 1"
            )

    def preparation(self) -> dict[str, float]:
        """Return the settings that decide the gallery's axes; the others can change freely."""
        return {name: v for name, v in asdict(self).items() if name not in ("sources", "weight")}


class SpectralIndex:
    """An index that scores by cosine and by how easily diffusion gets from one to the other.

    Prepared once: the mutual neighbour graph of the gallery, S = U Λ Uᵀ; each picture's axes are
    its row of U (I - damping · Λ)^-½ over the `rank` largest eigenvalues, brought to length 1. A
    query's axes are the sum of those of its first `sources` neighbours, each times
    max(cos, 0)^gamma. The score is (1 - weight) · cos + weight · cosine of the axes.

    Against diffusion solved exactly: eigenvalues after `rank` count as 0, which smooths; axes are
    compared by cosine, so that pictures in dense parts are not favoured; and damping is relative
    to the largest eigenvalue. Pictures without mutual neighbours have axes of 0.

    Preparing needs N · `neighbours` numbers; `lookalike.search.kept_spectral` keeps what is
    prepared.

    Args:
        index: over the gallery; "cosine".
        settings: how it is prepared and used; None for the default.
        axes: float32 (N, R), what `spectral_axes` gave for this index and settings; None computes
            them.

    Raises:
        SettingsError: the metric is not "cosine", or the axes are not N long.
    """

    def __init__(
        self,
        index: ExactIndex,
        settings: SpectralSettings | None = None,
        *,
        axes: NDArray[np.float32] | None = None,
    ) -> None:
        SearchSettings(rerank="spectral").check_metric(index.metric)
        self.index = index
        self.settings = settings or SpectralSettings()
        self.axes = spectral_axes(index, self.settings) if axes is None else axes
        if len(self.axes) != len(index):
            raise SettingsError(
                f"axes are {self.axes.shape}: wanted ({len(index)}, R), those of this gallery"
            )
        self._joint = ExactIndex(self._join(index.embeddings, self.axes), "inner")

    def __len__(self) -> int:
        return len(self.index)

    def search(
        self,
        queries: NDArray[np.float32],
        k: int,
        *,
        allowed: NDArray[np.int64] | None = None,
        exclude: NDArray[np.int64] | None = None,
    ) -> Neighbours:
        """Find the k nearest of each query; as `ExactIndex.search`.

        A query's axes come from its neighbours in the whole gallery, whatever is `allowed`.

        Args:
            queries: float32 (Q, D).
            k: neighbours per query; min(k, N) columns come back.
            allowed: places that may be found; None for all.
            exclude: int64 (Q,), one place that each query must not find, or -1.

        Raises:
            QueryError: k is less than 1, or the queries are not finite or not D wide.
        """
        if k < 1:
            raise QueryError(f"k is {k}: wanted 1 or more")
        found = self.index.search(queries, self.settings.sources, exclude=exclude)
        weights = np.maximum(found.scores, 0) ** self.settings.gamma  # -inf, a missing one, gives 0
        axes = np.einsum("qs,qsr->qr", weights, self.axes[found.positions])
        joined = self._join(queries, unit_rows(axes).astype(np.float32))
        return self._joint.search(joined, k, allowed=allowed, exclude=exclude)

    def _join(
        self, embeddings: NDArray[np.float32], axes: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return rows (n, D + R) whose inner product is the weighted sum of both cosines."""
        weight = self.settings.weight
        own = unit_rows(embeddings.astype(np.float64)) * np.sqrt(1 - weight)
        return np.concatenate([own.astype(np.float32), axes * np.float32(np.sqrt(weight))], axis=1)


def spectral_axes(
    index: ExactIndex, settings: SpectralSettings | None = None
) -> NDArray[np.float32]:
    """Return the axes (N, R) of a gallery's pictures, of length 1 or 0; R is min(rank, N).

    Args:
        index: over the gallery; "cosine".
        settings: how they are prepared; None for the default.

    Raises:
        SettingsError: the metric is not "cosine".
    """
    SearchSettings(rerank="spectral").check_metric(index.metric)
    settings = settings or SpectralSettings()
    graph = _gallery_graph(index, settings.neighbours, settings.gamma)
    return _axes(graph, min(settings.rank, len(index)), settings.damping)


def _gallery_graph(index: ExactIndex, neighbours: int, gamma: float) -> Any:  # noqa: ANN401
    """Return the normalised graph (N, N) of all pictures and their nearest others."""
    import faiss

    rows = unit_rows(index.embeddings.astype(np.float64)).astype(np.float32)
    count = min(neighbours + 1, len(rows))
    similarities = np.empty((len(rows), count - 1), np.float32)
    places = np.empty((len(rows), count - 1), np.int64)
    for start in range(0, len(rows), BLOCK):
        block = slice(start, start + BLOCK)
        values, found = faiss.knn(rows[block], rows, count, metric=faiss.METRIC_INNER_PRODUCT)
        # Among copies a picture need not be its own first neighbour, nor among them at all.
        own = found == np.arange(len(rows))[block, None]
        own[~own.any(axis=1), -1] = True
        similarities[block] = values[~own].reshape(len(values), -1)
        places[block] = found[~own].reshape(len(values), -1)
    return normalised_graph(similarities, places, gamma=gamma, regularise=0.1)


def _axes(graph: Any, rank: int, damping: float) -> NDArray[np.float32]:  # noqa: ANN401
    """Return the axes (N, R) of all pictures, of length 1 or 0."""
    if graph.shape[0] <= max(DENSE, 3 * rank):
        values, vectors = np.linalg.eigh(graph.toarray())
    else:
        from scipy.sparse.linalg import eigsh

        start = np.random.default_rng(0).normal(size=graph.shape[0])
        values, vectors = eigsh(graph, rank, which="LA", tol=1e-4, v0=start)
    values, vectors = values[-rank:], vectors[:, -rank:]
    largest = values.max(initial=0)
    if largest <= 0:  # no two pictures are mutual neighbours
        return np.zeros((graph.shape[0], rank), np.float32)
    axes = vectors / np.sqrt(1 - damping * values / largest)
    # What is 0 but for rounding must not be blown up to length 1.
    axes[np.linalg.norm(axes, axis=1) < 1e-9] = 0
    return unit_rows(axes).astype(np.float32)
