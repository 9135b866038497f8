"""What an engine must beat: embeddings that need no training.

Each is fitted on the gallery's pixels only and then embeds gallery and queries alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lookalike.types import Metric
from lookalike.whitening import fit_whitening

__all__ = ["BASELINES", "Baseline", "Embed", "Pixels"]

Pixels: TypeAlias = NDArray[np.uint8]
Embed = Callable[[Pixels], NDArray[np.float32]]

RAW_SIDE = 32
COMPONENTS = 128
COLOUR_BINS = 8
GREY_BINS = 64
ORIENTATIONS = 8
SMALLEST_CELL = 4
CELLS_A_SIDE = 8
# Rows treated at once, fewer of large pictures, so that memory does not grow with the gallery.
BLOCK = 4096
BLOCK_VALUES = 16_000_000


@dataclass(frozen=True)
class Baseline:
    """A baseline.

    Attributes:
        fit: takes the gallery's pixels, uint8 (N, H, W, C); gives the function that embeds pixels
            of that shape as float32 (M, D).
        metric: what its embeddings are compared by.
    """

    fit: Callable[[Pixels], Embed]
    metric: Metric = "cosine"


def raw_pixels(pixels: Pixels) -> NDArray[np.float32]:
    """Return the pixels in [0, 1] as one row each; above 32×32 averaged down to it."""
    count, height, width, channels = pixels.shape
    if height <= RAW_SIDE and width <= RAW_SIDE:
        return pixels.reshape(count, -1).astype(np.float32) / np.float32(255)
    down, across = _averaging(height), _averaging(width)
    rows = np.empty((count, down.shape[0] * across.shape[0] * channels), np.float32)
    for part in _blocks(pixels):
        block = pixels[part].astype(np.float32) / 255
        small = np.einsum("ah,nhwc,bw->nabc", down, block, across, optimize=True)
        rows[part] = small.reshape(len(block), -1)
    return rows


def colour_histogram(pixels: Pixels) -> NDArray[np.float32]:
    """Return the square roots of the shares of 8×8×8 colours, or of 64 greys.

    The root makes the inner product of two rows the Bhattacharyya coefficient.
    """
    bins = GREY_BINS if pixels.shape[3] == 1 else COLOUR_BINS**3
    rows = np.empty((len(pixels), bins), np.float32)
    for part in _blocks(pixels):
        for place, row in enumerate(_colour_numbers(pixels[part]), part.start):
            rows[place] = np.sqrt(np.bincount(row, minlength=bins) / len(row))
    return rows


def _colour_numbers(pixels: Pixels) -> NDArray[np.int32]:
    """Return the number (N, H·W) of each pixel's bin."""
    count, channels = len(pixels), pixels.shape[3]
    if channels == 1:
        return (pixels.reshape(count, -1) // (256 // GREY_BINS)).astype(np.int32)
    steps = (pixels.reshape(count, -1, 3) // (256 // COLOUR_BINS)).astype(np.int32)
    return np.asarray(steps @ np.array([COLOUR_BINS**2, COLOUR_BINS, 1], np.int32))


def hog(pixels: Pixels) -> NDArray[np.float32]:
    """Return histograms of oriented gradients: 8 orientations, about 8×8 cells, one block.

    A cell is an eighth of the side, and at least 4 pixels. The whole picture is one block, its
    norm "L1-sqrt": of the blocks and norms that scikit-image offers this retrieved best among
    training pictures of Fashion-MNIST (a baseline should be a strong one).

    Source: Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection" (2005), by
    scikit-image.
    """
    from skimage.feature import hog as skimage_hog

    side = min(pixels.shape[1:3])
    cell = max(SMALLEST_CELL, round(side / CELLS_A_SIDE))
    cells = (pixels.shape[1] // cell, pixels.shape[2] // cell)

    def one(picture: Pixels) -> NDArray[np.float32]:
        found = skimage_hog(
            picture if picture.shape[2] == 3 else picture[:, :, 0],
            orientations=ORIENTATIONS,
            pixels_per_cell=(cell, cell),
            cells_per_block=cells,
            block_norm="L1-sqrt",
            channel_axis=-1 if picture.shape[2] == 3 else None,
        )
        return np.asarray(found, np.float32)

    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(one, pixels)))


def _fixed(embed: Embed) -> Callable[[Pixels], Embed]:
    """Return the `fit` of a baseline that learns nothing from the gallery."""

    def fit(gallery: Pixels) -> Embed:
        return embed

    return fit


def _fit_pca(gallery: Pixels) -> Embed:
    whitening = fit_whitening(raw_pixels(gallery), dimensions=COMPONENTS)

    def embed(pixels: Pixels) -> NDArray[np.float32]:
        return whitening.apply(raw_pixels(pixels))

    return embed


def _blocks(pixels: Pixels) -> Iterator[slice]:
    step = min(BLOCK, max(1, BLOCK_VALUES // max(1, pixels[:1].size)))
    for start in range(0, len(pixels), step):
        yield slice(start, min(start + step, len(pixels)))


def _averaging(side: int) -> NDArray[np.float32]:
    """Return the matrix (32, side) that averages a line of pixels down to 32 by area."""
    size = min(side, RAW_SIDE)
    edges = np.linspace(0, side, size + 1)
    pixels = np.arange(side)
    shared = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.clip(shared, 0, 1) / (side / size), np.float32)


BASELINES: dict[str, Baseline] = {
    "raw-pixels": Baseline(_fixed(raw_pixels)),
    "colour-histogram": Baseline(_fixed(colour_histogram)),
    "hog": Baseline(_fixed(hog)),
    "pca": Baseline(_fit_pca),
}
