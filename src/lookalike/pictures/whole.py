"""Places for a whole gallery: a layout of all of it, and places among those that have one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lookalike.pictures.descent import Descent, descend, nearest_points
from lookalike.types import OnProgress, Progress, silent

__all__ = ["AMONG", "lay_out", "place_among"]

AMONG = 12
"""Neighbours that decide the place of one that is not laid out."""

# More points than this are laid out by a sample of so many; the others find a place among these.
_SAMPLE = 200_000
_FEW, _MANY = 5_000, 10_000
# Of few, as `tsne` does. Of many, a third of the time buys nearly the same map; and wider gaps show
# more, where thousands of points would otherwise fill the whole field.
_ALL = Descent()
_QUICK = Descent(perplexity=15.0, early=150, late=350)
_PARTED = Descent(perplexity=15.0, early=150, late=350, exaggeration=1.6)
_MARGIN = 0.01
# Places nearer than this belong to one group of neighbours.
_GROUP = 0.03
_BLOCK = 20_000
# Of each turn of a sunflower, in radians: no two points of one lie in line.
_GOLDEN = math.pi * (3 - math.sqrt(5))


def lay_out(
    points: np.ndarray[Any, Any],
    seed: int = 0,
    *,
    start: np.ndarray[Any, Any] | None = None,
    on_progress: OnProgress = silent,
) -> np.ndarray[Any, Any]:
    """Return places for all points, in the unit square.

    Args:
        points: float (N, D), of few dimensions, the first of which spread most.
        seed: of the sample, and of the noise that parts identical points.
        start: (N, 2), where they stood before: the new map resembles that one. None starts from
            the first two dimensions.
        on_progress: told every 25 steps.

    Returns:
        float32 (N, 2), both axes scaled alike.
    """
    generator = np.random.default_rng(seed)
    if len(points) <= 3:
        return _in_unit_square(_in_a_row(len(points)))
    if len(points) <= _SAMPLE:
        begin = _begin(points if start is None else start, generator)
        placed = descend(points, begin, seed, _descent(len(points)), on_progress=on_progress)
        return _in_unit_square(placed)
    sample = np.sort(generator.choice(len(points), _SAMPLE, replace=False))
    begun = None if start is None else start[sample]
    some = lay_out(points[sample], seed, start=begun, on_progress=on_progress)
    return _with_others(points, sample, some, on_progress)


def place_among(
    places: np.ndarray[Any, Any], spread: np.ndarray[Any, Any] | None = None
) -> np.ndarray[Any, Any]:
    """Return a place for each of several pictures, from where their neighbours stand.

    It is the middle of the largest group of neighbours that stand together, the closest counting
    most: the mean of all could lie in a gap, where nothing like it is.

    Args:
        places: (Q, K, 2), in the unit square, of the neighbours, the closest first; NaN for none.
        spread: (Q,), numbers by which pictures of the same neighbours are told apart, such as their
            ids: they stand beside each other then.

    Returns:
        float32 (Q, 2); the middle of the square for what has no neighbour.

    >>> place_among(np.array([[[0.25, 0.5], [0.75, 0.75], [0.25, 0.5]]])).tolist()
    [[0.25, 0.5]]
    """
    found = np.full((len(places), 2), 0.5, np.float32)
    weights = np.arange(places.shape[1], 0, -1, dtype=np.float64)
    for first in range(0, len(places) if len(weights) else 0, _BLOCK):
        some = places[first : first + _BLOCK]
        there = np.isfinite(some).all(axis=2)
        apart = np.linalg.norm(some[:, :, None] - some[:, None, :], axis=3)
        together = (apart < _GROUP) & there[:, None, :] & there[:, :, None]
        best = (together * weights).sum(axis=2).argmax(axis=1)
        chosen = together[np.arange(len(some)), best] * weights
        total = chosen.sum(axis=1, keepdims=True)
        middle = (np.nan_to_num(some) * chosen[:, :, None]).sum(axis=1) / np.maximum(total, 1)
        found[first : first + _BLOCK] = np.where(total > 0, middle, 0.5)
    if spread is not None:
        turn = spread.astype(np.float64) * _GOLDEN
        found += _GROUP / 12 * np.stack([np.cos(turn), np.sin(turn)], axis=1).astype(np.float32)
    return np.clip(found, 0.0, 1.0)


def _descent(count: int) -> Descent:
    if count <= _FEW:
        return _ALL
    return _PARTED if count >= _MANY else _QUICK


def _begin(places: np.ndarray[Any, Any], generator: np.random.Generator) -> np.ndarray[Any, Any]:
    """Return a start of a standard deviation of 1e-4 like these places, slightly shaken."""
    start = np.zeros((len(places), 2))
    start[:, : min(2, places.shape[1])] = places[:, :2]
    start -= start.mean(axis=0)
    spread = start.std(axis=0).max()
    noise = generator.normal(size=start.shape)
    return 1e-4 * start / (spread if spread > 0 else 1.0) + 1e-6 * noise


def _in_a_row(count: int) -> np.ndarray[Any, Any]:
    return np.stack([np.arange(count, dtype=np.float64), np.zeros(count)], axis=1)


def _in_unit_square(places: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if not len(places):
        return np.zeros((0, 2), np.float32)
    low, high = places.min(axis=0), places.max(axis=0)
    extent = float((high - low).max())
    scale = (1 - 2 * _MARGIN) / extent if extent > 0 else 0.0
    return np.asarray((places - (low + high) / 2) * scale + 0.5, np.float32)


def _with_others(
    points: np.ndarray[Any, Any],
    sample: np.ndarray[Any, Any],
    places: np.ndarray[Any, Any],
    on_progress: OnProgress,
) -> np.ndarray[Any, Any]:
    """Return places for all points, of which a sample has some."""
    rest = np.ones(len(points), np.bool_)
    rest[sample] = False
    others = np.flatnonzero(rest)
    placed = np.empty((len(points), 2), np.float32)
    placed[sample] = places
    _, near = nearest_points(points[sample], points[others], AMONG)
    placed[others] = place_among(places[near], others)
    on_progress(Progress("place", len(others), len(others)))
    return placed
