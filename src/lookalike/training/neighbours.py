"""Which pictures are near which, by appearance: the partners that meaning is trained with."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = [
    "MOST_COMPARED",
    "is_mirrored",
    "is_undirected",
    "nearer_when_mirrored",
    "nearest",
    "partners_for",
]

# Above so many pictures each is compared with a random sample of them: time stays linear.
MOST_COMPARED = 60_000
# Similarities held at once (256 MB of float32).
BLOCK = 64_000_000
MOST_PARTNERS = 30
# Mirrored pictures must be at least this near to their nearest others, relative to the pictures.
MIRROR_TOLERANCE = 0.9
# Where the direction means nothing, half of the mirrored pictures are nearer to their nearest.
UNDIRECTED = 0.4
# Pictures this alike are copies: a JPEG of quality 50 keeps .995 of its original's likeness.
COPY = 0.99


def partners_for(pictures: int) -> int:
    """Return how many neighbours count as partners among so many pictures.

    >>> partners_for(100), partners_for(785), partners_for(60_000), partners_for(10**6)
    (1, 3, 24, 30)
    """
    return max(1, min(MOST_PARTNERS, round(math.sqrt(pictures) / 10)))


def nearest(
    embeddings: NDArray[np.float32], k: int, *, seed: int = 0, device: torch.device | None = None
) -> NDArray[np.int64]:
    """Return the positions of each picture's nearest others, the nearest first.

    Args:
        embeddings: float32 (N, D), of length 1.
        k: at most N - 1.
        seed: of the sample that stands for the pictures where they are more than 60,000.
        device: where to compute.

    Returns:
        int64 (N, k); where N is 1, (1, 0).
    """
    count = len(embeddings)
    compared = np.arange(count)
    if count > MOST_COMPARED:
        chosen = np.random.default_rng(seed).choice(count, MOST_COMPARED, replace=False)
        compared = np.sort(chosen)
    others = torch.from_numpy(embeddings[compared]).to(device or "cpu")
    k = min(k, count - 1, len(compared) - 1)
    found = np.empty((count, max(0, k)), np.int64)
    place = np.full(count, -1)
    place[compared] = np.arange(len(compared))
    rows = max(1, BLOCK // len(compared))
    for start in range(0, count if k > 0 else 0, rows):
        block = torch.from_numpy(embeddings[start : start + rows]).to(others.device)
        similarities = block @ others.T
        own = torch.from_numpy(place[start : start + rows]).to(others.device)
        with_self = torch.nonzero(own >= 0)[:, 0]
        similarities[with_self, own[with_self]] = -torch.inf
        found[start : start + rows] = compared[similarities.topk(k, dim=1).indices.cpu().numpy()]
    return found


def is_mirrored(
    embeddings: NDArray[np.float32], mirrored: NDArray[np.float32], tolerance: float | None = None
) -> bool:
    """Whether the pictures could as well be mirrored: then views may be.

    Mirrored shoes, animals and streets look like other pictures of the same gallery; mirrored
    digits, letters and most scans do not. So the nearest other picture, copies left out, is sought
    for each picture and for its mirror image, and the two mean similarities are compared.

    Args:
        embeddings: float32 (N, D), of some pictures.
        mirrored: float32 (N, D), of the same pictures mirrored left to right.
        tolerance: how much of the first mean similarity the second must reach.
    """
    share = MIRROR_TOLERANCE if tolerance is None else tolerance
    upright, turned = _nearest_of_both(_unit(embeddings), _unit(mirrored))
    return not len(upright) or bool(turned.mean() >= share * upright.mean())


def is_undirected(embeddings: NDArray[np.float32], mirrored: NDArray[np.float32]) -> bool:
    """Whether left and right mean nothing in these pictures: then a mirror image is a copy.

    Stricter than `is_mirrored`: of pictures that point anywhere, half are nearer to their nearest
    other when they are mirrored. Where even some kinds all point one way, as shoes in a catalogue
    do, it is fewer.

    Args:
        embeddings: float32 (N, D), of some pictures.
        mirrored: float32 (N, D), of the same pictures mirrored left to right.
    """
    return nearer_when_mirrored(embeddings, mirrored) >= UNDIRECTED


def nearer_when_mirrored(embeddings: NDArray[np.float32], mirrored: NDArray[np.float32]) -> float:
    """Return the share of pictures that are nearer to their nearest other when mirrored.

    Pictures that are their own mirror images point nowhere and are not asked; where that leaves
    none, the share is 1.

    Args:
        embeddings: float32 (N, D), of some pictures.
        mirrored: float32 (N, D), of the same pictures mirrored left to right.
    """
    here, there = _unit(embeddings), _unit(mirrored)
    asked = (here * there).sum(axis=1) <= COPY
    upright, turned = _nearest_of_both(here, there, asked)
    return float((turned >= upright).mean()) if len(upright) else 1.0


def _nearest_of_both(
    embeddings: NDArray[np.float32],
    mirrored: NDArray[np.float32],
    asked: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the similarities (M,) of pictures, and of their mirror images, to the nearest other.

    Neither a picture nor a copy of it is another picture, for its mirror image as little as for
    itself: no mirror image is nearer than a copy. Pictures without any other are left out.

    Args:
        embeddings: float32 (N, D), of length 1, of some pictures.
        mirrored: float32 (N, D), of length 1, of the same pictures mirrored.
        asked: bool (N,), those whose nearest is sought; None seeks that of all.
    """
    rows = np.arange(len(embeddings)) if asked is None else np.flatnonzero(asked)
    upright, turned = embeddings[rows] @ embeddings.T, mirrored[rows] @ embeddings.T  # (M, N)
    same = upright > COPY
    same[np.arange(len(rows)), rows] = True  # also where it has no direction
    upright[same] = turned[same] = -np.inf
    others = ~same.all(axis=1)
    return upright[others].max(axis=1, initial=-1), turned[others].max(axis=1, initial=-1)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, np.where(lengths > 0, lengths, 1), dtype=np.float32)
