"""The geometry of the map: from coordinates to places on a page where pictures do not collide."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lookalike.errors import SettingsError

__all__ = ["cells", "check_coordinates", "push_apart", "scale_to_page"]

_OUTLIERS = 0.2  # per cent at each end that may not decide the scale of a large map
_MANY = 1000
_STEPS = 400


def check_coordinates(coordinates: np.ndarray[Any, Any]) -> None:
    """Raise a `SettingsError` unless there are finite coordinates (N, 2), N at least 1."""
    if coordinates.ndim != 2 or coordinates.shape[1] != 2 or len(coordinates) == 0:
        raise SettingsError(f"a map needs coordinates (N, 2), N ≥ 1, got {coordinates.shape}")
    if not np.isfinite(coordinates).all():
        raise SettingsError("a map needs finite coordinates, got NaN or infinity")


def scale_to_page(
    coordinates: np.ndarray[Any, Any], width: int, heights: tuple[int, int]
) -> tuple[np.ndarray[Any, Any], int]:
    """Scale coordinates to pixels, both axes alike, and centre them.

    Args:
        coordinates: (N, 2).
        width: of the page.
        heights: the least and the greatest height that the page may have.

    Returns:
        float64 (N, 2) within the page, and the page's height.
    """
    points = coordinates.astype(np.float64)
    tail = _OUTLIERS if len(points) >= _MANY else 0.0
    low, high = np.percentile(points, [tail, 100 - tail], axis=0)
    points = np.clip(points, low, high) - (low + high) / 2
    extent = high - low
    # Points on one line, or all at one place, must not divide by zero.
    extent = np.maximum(extent, extent.max() * 1e-6) if extent.max() > 0 else np.ones(2)
    height = int(np.clip(width * extent[1] / extent[0], *heights))
    scale = min(width / extent[0], height / extent[1])
    return np.clip(points * scale + (width / 2, height / 2), 0, (width, height)), height


def push_apart(
    places: np.ndarray[Any, Any], sizes: np.ndarray[Any, Any], page: tuple[int, int]
) -> np.ndarray[Any, Any]:
    """Move rectangles as little as needed until hardly any two overlap; all stay on the page.

    Args:
        places: their middles (N, 2) in pixels.
        sizes: their widths and heights (N, 2), the wanted gap included.
        page: width and height.
    """
    least, most = sizes / 2, np.maximum(np.asarray(page) - sizes / 2, sizes / 2)
    places = np.clip(places, least, most)
    # Each pair once; the lower number is moved one way, the higher number the other.
    upper = np.triu(np.ones((len(places), len(places)), dtype=bool), 1)
    for _ in range(_STEPS):
        one, other = _touching(places, sizes, upper)
        apart = places[one] - places[other]
        overlap = (sizes[one] + sizes[other]) / 2 - np.abs(apart)
        if not len(one) or overlap.min(axis=1).max() < 1.0:
            break
        # The shorter way out; two at the same place part in the order of their numbers.
        move = np.where(apart > 0, 0.5, -0.5) * overlap
        move *= overlap == overlap.min(axis=1, keepdims=True)
        np.add.at(places, one, move)
        np.add.at(places, other, -move)
        places = np.clip(places, least, most)
    return places


def _touching(
    places: np.ndarray[Any, Any], sizes: np.ndarray[Any, Any], upper: np.ndarray[Any, Any]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the numbers of the two rectangles of each overlapping pair."""
    overlapping = upper
    for axis in (0, 1):
        middle, side = places[:, axis], sizes[:, axis] / 2
        apart = np.abs(middle[:, None] - middle[None, :])
        overlapping = overlapping & (apart < side[:, None] + side[None, :])
    one, other = np.nonzero(overlapping)
    return one, other


def cells(
    places: np.ndarray[Any, Any], page: tuple[int, int], size: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Choose for each occupied cell of a regular grid the point nearest to the cell's middle.

    Args:
        places: (N, 2) in pixels.
        page: width and height.
        size: of a cell.

    Returns:
        The chosen points (M,), and the left upper corners (M, 2) of their cells.
    """
    counts = np.array([math.ceil(side / size) for side in page])
    cell = np.minimum((places // size).astype(np.int64), counts - 1)
    distance = np.abs(places - (cell + 0.5) * size).max(axis=1)
    number = cell[:, 1] * counts[0] + cell[:, 0]
    order = np.lexsort((np.arange(len(places)), distance, number))
    _, first = np.unique(number[order], return_index=True)
    chosen = order[first]
    return chosen, cell[chosen] * size
