"""A second look at two pictures: does one show the other, whole or in part?

Edges and textures of the one, turned, mirrored and made smaller in so many ways, are laid over the
other at every place, by normalised cross-correlation (Lewis, "Fast Normalized Cross-Correlation",
1995). It is 1 where they are the same but for brightness and contrast, and for pictures that are
alike by kind, colour or composition it stays far below that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Agreement", "LookedAt", "agreement", "look_at"]

# Longest side at which pictures are compared, and of the Fourier transforms: what does not fit
# into the other picture by up to ROOM pixels is still tried.
SIDE = 64
ROOM = 8
FIELD = SIDE + 2 * ROOM
# Of a picture of this side a thumbnail is enough.
SEEN = 128
LEAST_SIDE = 12
# Structures between these two, as standard deviations of Gaussians, are compared.
FINE, COARSE = 0.7, 3.0
# A part of half the other's side is found; smaller ones fit nearly anywhere.
SCALES = tuple(2.0 ** (-step / 6) for step in range(7))
DEGREES = tuple(sign * angle for angle in range(4, 25, 4) for sign in (1, -1))
# Of a picture turned by some degrees this ellipse is compared: its corners are not in the other.
ELLIPSE = 0.84
# Pictures with less structure than this, in grey levels, show nothing to compare.
PLAIN = 1.0

_Real = NDArray[np.float32]


@dataclass(frozen=True)
class Agreement:
    """How well two pictures agree where they agree best.

    Attributes:
        score: correlation of their structures, at most 1; 0 for pictures without any.
        way: how one had to be changed to lie over the other: "as it is", "smaller", "mirrored",
            "turned".
    """

    score: float
    way: str


@dataclass(frozen=True, eq=False)
class LookedAt:
    """A picture prepared for comparing: some 2 MB.

    Attributes:
        size: height and width at which it is compared.
        plain: it has no structure to compare.
        values: Fourier transform of its structure, and of its square.
        pieces: H changed copies of it, each to be looked for in others.
    """

    size: tuple[int, int]
    plain: bool
    values: NDArray[np.complex64]
    squares: NDArray[np.complex64]
    energy: float
    pieces: _Pieces


@dataclass(frozen=True, eq=False)
class _Pieces:
    """Changed copies of a picture: sizes (H, 2), transforms (H, FIELD, FIELD / 2 + 1), norms."""

    ways: tuple[str, ...]
    sizes: NDArray[np.int64]
    values: NDArray[np.complex64]
    masks: NDArray[np.complex64]
    counts: _Real
    norms: _Real


def look_at(pixels: NDArray[np.uint8]) -> LookedAt:
    """Prepare a picture for `agreement`.

    Args:
        pixels: uint8 (H, W, C), C = 1 or 3; some `SEEN` pixels a side are enough.
    """
    from scipy import fft

    image = _small(pixels)
    values = _structure(image)
    planes = np.zeros((2, FIELD, FIELD), np.float32)
    planes[0, ROOM : ROOM + values.shape[0], ROOM : ROOM + values.shape[1]] = values
    planes[1] = planes[0] ** 2
    transforms = fft.rfft2(planes)
    spread = float(values.std())
    return LookedAt(
        (values.shape[0], values.shape[1]),
        spread < PLAIN,
        transforms[0],
        transforms[1],
        float(planes[1].mean() * FIELD * FIELD / values.size),
        _pieces(image),
    )


def agreement(one: LookedAt, other: LookedAt) -> Agreement:
    """Return how well two pictures agree; the order does not matter."""
    if one.plain or other.plain:
        return Agreement(0.0, "as it is")
    first, second = _find(one, other), _find(other, one)
    return max(first, second, key=lambda found: found.score)


def _find(whole: LookedAt, part: LookedAt) -> Agreement:
    """Look for the changed copies of `part` in `whole`, at every place."""
    from scipy import fft

    pieces = part.pieces
    fits = np.flatnonzero((pieces.sizes <= np.array(whole.size) + ROOM).all(axis=1))
    if not len(fits):
        return Agreement(0.0, "as it is")
    shape = (FIELD, FIELD)
    cross = fft.irfft2(whole.values * pieces.values[fits], shape)
    sums = fft.irfft2(whole.values * pieces.masks[fits], shape)
    squares = fft.irfft2(whole.squares * pieces.masks[fits], shape)
    counts = pieces.counts[fits, None, None]
    # A place without structure agrees with nothing: its energy counts as at least a tenth of the
    # picture's.
    energies = np.maximum(squares - sums**2 / counts, 0.1 * whole.energy * counts)
    scores = cross / (np.sqrt(energies) * pieces.norms[fits, None, None])
    scores[~_inside(whole.size, pieces.sizes[fits])] = -1
    best = scores.reshape(len(fits), -1).max(axis=1)
    number = int(best.argmax())
    return Agreement(float(min(1.0, best[number])), pieces.ways[fits[number]])


def _inside(whole: tuple[int, int], sizes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return (H, FIELD, FIELD): the places of the corner where a piece lies inside, nearly."""
    places = np.arange(FIELD)
    # What lies outside is empty ground: a quarter of a short side is little of the piece.
    slack = np.clip(np.minimum(np.array(whole), sizes.min(axis=1)[:, None]) // 6, 1, ROOM)
    starts = ROOM - slack
    ends = np.maximum(ROOM + np.array(whole) - sizes + slack, starts)
    rows, columns = (
        (places >= starts[:, axis, None]) & (places <= ends[:, axis, None]) for axis in (0, 1)
    )
    return np.asarray(rows[:, :, None] & columns[:, None, :])


def _pieces(image: Image.Image) -> _Pieces:
    from scipy import fft

    changed = list(_changes(image))
    values = np.zeros((len(changed), FIELD, FIELD), np.float32)
    masks = np.zeros_like(values)
    for number, (_, piece, mask) in enumerate(changed):
        high, wide = piece.shape
        values[number, :high, :wide] = (piece - piece[mask].mean()) * mask
        masks[number, :high, :wide] = mask
    return _Pieces(
        tuple(way for way, _, _ in changed),
        np.array([piece.shape for _, piece, _ in changed], np.int64),
        fft.rfft2(values).conj(),
        fft.rfft2(masks).conj(),
        masks.sum(axis=(1, 2)),
        np.maximum(np.sqrt(np.square(values).sum(axis=(1, 2))), 1e-6),
    )


def _changes(image: Image.Image) -> Iterator[tuple[str, _Real, NDArray[np.bool_]]]:
    """Give the ways in which a copy may have been changed: a word, its structure, where it is.

    Structure does not care for left and right, nor for which side is up: but for other sizes it
    is found once, then mirrored and turned itself.
    """
    for scale in SCALES:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        if scale < 1 and min(size) < LEAST_SIDE:
            continue
        values = _structure(image.resize(size, Image.Resampling.BICUBIC))
        yield "as it is" if scale == 1 else "smaller", values, np.ones(values.shape, bool)
        yield "mirrored", np.fliplr(values), np.ones(values.shape, bool)
    values = _structure(image)
    for turns in (1, 2, 3):
        turned = np.rot90(values, turns)
        yield "turned", turned, np.ones(turned.shape, bool)
    yield "mirrored", np.flipud(values), np.ones(values.shape, bool)
    whole = Image.fromarray(values)
    for angle in DEGREES:
        turned = np.asarray(whole.rotate(angle, Image.Resampling.BICUBIC))
        yield "turned", turned, _ellipse(turned.shape)


def _ellipse(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    rows, columns = (
        (np.arange(side) - (side - 1) / 2) / (ELLIPSE * side / 2 + 0.5) for side in shape
    )
    return np.asarray(rows[:, None] ** 2 + columns[None, :] ** 2 <= 1)


def _small(pixels: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("L")
    scale = SIDE / max(image.size)
    size = (max(2, round(image.width * scale)), max(2, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)


def _structure(image: Image.Image) -> _Real:
    """Return edges and textures (h, w), without the slow change of light behind them."""
    from scipy.ndimage import gaussian_filter

    values = np.asarray(image, np.float32)
    fine, coarse = (gaussian_filter(values, sigma, mode="nearest") for sigma in (FINE, COARSE))
    return np.asarray(fine - coarse, np.float32)
