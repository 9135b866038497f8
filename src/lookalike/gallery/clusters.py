"""Groups within a gallery: k-means over its embeddings, started by scikit-learn, run by faiss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import SettingsError
from lookalike.types import OnProgress, Progress, silent

__all__ = ["Partition", "k_means"]

# Starts, of which the best is kept, and steps of each.
STARTS = 3
STEPS = 25
# More embeddings than this for each cluster do not move its centre.
SAMPLE = 4096
# Rows whose distances are computed at once, so that memory does not grow with the gallery.
BLOCK = 65_536


@dataclass(frozen=True)
class Partition:
    """Embeddings in groups, the largest first; no group is empty.

    Attributes:
        groups: places (M,) of each group's embeddings, closest to its centre first.
        centres: float32 (K, D), of each group.
    """

    groups: tuple[NDArray[np.int64], ...]
    centres: NDArray[np.float32]

    def __post_init__(self) -> None:
        if len(self.groups) != len(self.centres) or not all(map(len, self.groups)):
            raise SettingsError(
                f"a partition needs a centre for each group and a member in each: "
                f"got {len(self.centres)} centres, groups of {[len(one) for one in self.groups]}"
            )


def k_means(
    embeddings: NDArray[np.float32], count: int, seed: int, *, on_progress: OnProgress = silent
) -> Partition:
    """Part embeddings into at most `count` groups around their means.

    Of three starts the one with the smallest sum of squared distances is kept. There are fewer
    groups where there are fewer different embeddings. The same embeddings, count and seed give the
    same groups.

    Args:
        embeddings: float32 (N, D), N at least 1. For groups by cosine, scale them to length 1.
        count: groups wanted.
        seed: of the starts, below 2**31.
        on_progress: told after each start.

    Raises:
        SettingsError: the count is below 1, or the seed is out of range.

    Source: Arthur and Vassilvitskii, "k-means++: The Advantages of Careful Seeding" (2007).

    >>> points = np.array([[0.0], [9.0], [0.2], [9.1], [9.3]], np.float32)
    >>> [group.tolist() for group in k_means(points, 2, seed=0).groups]
    [[3, 1, 4], [0, 2]]
    """
    if count < 1:
        raise SettingsError(f"{count} clusters: wanted 1 or more")
    if not 0 <= seed < 2**31:
        raise SettingsError(f"seed of the clusters is {seed}: wanted 0 to 2**31 - 1")
    points = np.ascontiguousarray(embeddings, np.float32)
    count = min(count, len(points))
    sample = points
    if len(points) > count * SAMPLE:
        chosen = np.random.default_rng(seed).choice(len(points), count * SAMPLE, replace=False)
        sample = points[np.sort(chosen)]
    found = []
    for start in range(STARTS):
        found.append(_descend(sample, count, seed, start))
        on_progress(Progress("cluster", start + 1, STARTS))
    _, centres = min(found, key=lambda one: one[0])
    return _in_order(points, _nearest_centre(points, centres), centres)


def _descend(
    points: NDArray[np.float32], count: int, seed: int, start: int
) -> tuple[float, NDArray[np.float32]]:
    """Return the sum of squared distances, and the centres (count, D), that one start leads to."""
    import faiss
    from sklearn.cluster import kmeans_plusplus

    # scikit-learn takes seeds below 2**32; each start has its own.
    first, _ = kmeans_plusplus(points, count, random_state=np.random.RandomState([seed, start]))
    model = faiss.Kmeans(
        points.shape[1],
        count,
        niter=STEPS,
        min_points_per_centroid=1,  # faiss would warn of few points
        max_points_per_centroid=len(points),  # the sample is drawn already
    )
    model.train(points, init_centroids=np.ascontiguousarray(first, np.float32))
    return float(np.asarray(model.obj)[-1]), np.asarray(model.centroids)


def _nearest_centre(points: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    import faiss

    _, found = faiss.knn(points, centres, 1)
    return np.asarray(found[:, 0], np.int64)


def _in_order(
    points: NDArray[np.float32], found: NDArray[np.int64], centres: NDArray[np.float32]
) -> Partition:
    """Leave empty groups out, put the members by distance and the groups by size."""
    far = np.empty(len(points), np.float32)
    for start in range(0, len(points), BLOCK):
        block = slice(start, start + BLOCK)
        far[block] = np.square(points[block] - centres[found[block]]).sum(axis=1)
    order = np.lexsort((np.arange(len(points)), far, found))
    names, starts = np.unique(found[order], return_index=True)
    groups = np.split(order, starts[1:])
    ranked = sorted(range(len(names)), key=lambda number: (-len(groups[number]), groups[number][0]))
    return Partition(tuple(groups[number] for number in ranked), centres[names[ranked]])
