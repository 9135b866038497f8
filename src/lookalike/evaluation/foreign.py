"""Pictures that no gallery holds, made from its own: what must be told that nothing is like it.

A detector of the unknown that has seen some unknown pictures knows others too: Hendrycks et al.,
"Deep Anomaly Detection with Outlier Exposure" (2019). Those that are made here share the colours
and the details of the gallery in the wrong order, or nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

__all__ = ["FOREIGN", "foreign_pictures"]

Picture = NDArray[np.uint8]

# Every foreign picture is a square of this side; shuffled ones are cut into so many pieces a side.
SIDE = 64
PIECES = (2, 4)
FEWEST_LEAVES, MOST_LEAVES = 2, 60
SMALLEST_LEAF, LARGEST_LEAF = 2.0, 8.0


def foreign_pictures(pictures: Sequence[Picture], seed: int = 0) -> list[Picture]:
    """Return as many foreign pictures of each kind of `FOREIGN` as there are pictures.

    Args:
        pictures: of a gallery, uint8 (H, W, C) of any sizes, C = 1 or 3.
        seed: of all that is random.

    Returns:
        uint8 (64, 64, C) each, one kind after the other.
    """
    squares = [_square(picture) for picture in pictures]
    made = []
    for number, make in enumerate(FOREIGN.values()):
        rng = np.random.default_rng([seed, number])
        made += [make(square, squares, rng) for square in squares]
    return made


def _mosaic(square: Picture, squares: Sequence[Picture], rng: np.random.Generator) -> Picture:
    """The quarters of four pictures."""
    mixed, half = square.copy(), SIDE // 2
    for number, other in enumerate(rng.integers(len(squares), size=4)):
        top, left = (half * side for side in divmod(number, 2))
        part = (slice(top, top + half), slice(left, left + half))
        mixed[part] = squares[other][part]
    return mixed


def _shuffled(square: Picture, squares: Sequence[Picture], rng: np.random.Generator) -> Picture:
    """The pieces of a picture in another order."""
    across = int(rng.choice(PIECES))
    side, channels = SIDE // across, square.shape[2]
    pieces = square.reshape(across, side, across, side, channels).swapaxes(1, 2)
    pieces = rng.permutation(pieces.reshape(-1, side, side, channels))
    rows = pieces.reshape(across, across, side, side, channels).swapaxes(1, 2)
    return np.ascontiguousarray(rows.reshape(SIDE, SIDE, channels))


def _negative(square: Picture, squares: Sequence[Picture], rng: np.random.Generator) -> Picture:
    """The negative, upside down."""
    return np.ascontiguousarray(255 - square[::-1])


def _leaves(square: Picture, squares: Sequence[Picture], rng: np.random.Generator) -> Picture:
    """Shapes of random colour, size and place that hide each other.

    The sizes follow a power law, as those of things in photographs do: Lee, Mumford and Huang,
    "Occlusion Models for Natural Images" (2001).
    """
    image = Image.new("RGB", (SIDE, SIDE), _colour(rng))
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(FEWEST_LEAVES, MOST_LEAVES))):
        x, y = rng.uniform(-LARGEST_LEAF, SIDE + LARGEST_LEAF, 2)
        size = rng.uniform(SMALLEST_LEAF, LARGEST_LEAF) / max(0.1, rng.random() ** 0.5)
        kind, colour = rng.integers(3), _colour(rng)
        box = (x - size, y - size, x + size, y + size)
        if kind == 0:
            pen.ellipse(box, fill=colour)
        elif kind == 1:
            pen.rectangle(box, fill=colour)
        else:
            corners = np.array([x, y]) + size * rng.uniform(-1.5, 1.5, (3, 2))
            pen.polygon([(float(one), float(other)) for one, other in corners], fill=colour)
    return _as_array(image, square.shape[2])


Make = Callable[[Picture, Sequence[Picture], np.random.Generator], Picture]
FOREIGN: dict[str, Make] = {
    "mosaic": _mosaic,
    "shuffled": _shuffled,
    "negative": _negative,
    "leaves": _leaves,
}
"""Name to what makes a foreign picture of a square one and its fellows."""


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = rng.integers(256, size=3).tolist()
    return red, green, blue


def _square(picture: Picture) -> Picture:
    grey = picture.shape[2] == 1
    image = Image.fromarray(picture[:, :, 0] if grey else picture)
    return _as_array(image.resize((SIDE, SIDE)), picture.shape[2])


def _as_array(image: Image.Image, channels: int) -> Picture:
    pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"), np.uint8)
    return pixels.reshape(SIDE, SIDE, channels)
