"""From a file, bytes, an array or a Pillow image to the pixels that a network takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike.images.fitting import Size, enough_for, inside, middle
from lookalike.images.limits import IntakeLimits
from lookalike.images.modes import on_background, to_srgb
from lookalike.images.opening import Source, open_picture
from lookalike.images.reasons import reading
from lookalike.images.spec import ImageSpec

__all__ = ["Decoded", "decode", "thumbnail", "upright"]

_LIMITS = IntakeLimits()
_WHITE = (255, 255, 255)
_FILTER = Image.Resampling.BICUBIC
_REDUCING_GAP = 2.0


@dataclass(frozen=True, eq=False)
class Decoded:
    """One picture, ready for a network.

    Attributes:
        pixels: uint8 (height, width, channels) of the spec.
        width: of the original, in pixels, as displayed (its orientation applied).
        height: of the original, in pixels, as displayed.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int


def decode(source: Source, spec: ImageSpec, limits: IntakeLimits = _LIMITS) -> Decoded:
    """Read one picture as `spec` asks.

    The EXIF orientation is applied, the first frame of an animation taken, transparency laid over
    the spec's background, an embedded colour profile converted to sRGB, 16 bits scaled to 8. JPEG
    is decoded at a reduced scale where that still gives enough pixels. A picture that already has
    the right size and channels keeps its exact values.

    Args:
        source: a path; the bytes of a file; a uint8 array (H, W), (H, W, 1), (H, W, 3) or
            (H, W, 4); or a Pillow image.
        spec: the size, channels, fit and background wanted.
        limits: how large a file, and what it claims to be, may be.

    Raises:
        PictureError: the picture cannot be read.
    """
    with reading(source):
        opened = open_picture(source, lambda whole: enough_for(whole, spec), limits)
        ready = opened.as_asked(spec)
        if ready is not None:
            return Decoded(ready, opened.width, opened.height)
        width, height = opened.image.size
        size = (spec.width, spec.height)
        if spec.fit == "pad":
            size = inside((width, height), size)
        box = middle((width, height), size) if spec.fit == "crop" else (0, 0, width, height)
        image = to_srgb(_resize(opened.image, size, box), opened.profile)
        pixels = on_background(image, spec.background, spec.channels)
    if size != (spec.width, spec.height):
        pixels = _pad(pixels, spec)
    return Decoded(pixels, opened.width, opened.height)


def thumbnail(
    source: Source,
    size: int,
    background: tuple[int, int, int] = _WHITE,
    *,
    enlarge: bool = True,
    limits: IntakeLimits = _LIMITS,
) -> NDArray[np.uint8]:
    """Return a small copy to look at.

    A picture of at most half of `size` is enlarged by a whole factor without smoothing, so that
    the pixels of a 28×28 digit stay crisp.

    Args:
        source: what `decode` takes.
        size: the longest that a side may be, in pixels.
        background: RGB, under transparent pixels.
        enlarge: leave small pictures as they are, if false.
        limits: how large a file, and what it claims to be, may be.

    Returns:
        uint8 (height, width, 3), neither side above `size`.

    Raises:
        PictureError: the picture cannot be read.
    """
    with reading(source):
        opened = open_picture(source, lambda whole: inside(whole, (size, size)), limits)
        image, longest = opened.image, max(opened.image.size)
        if longest > size:
            small = inside(image.size, (size, size))
            image = _resize(image, small, (0, 0, *image.size))
        pixels = on_background(to_srgb(image, opened.profile), background, 3)
    factor = max(1, size // longest) if enlarge else 1
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def upright(source: Source, limits: IntakeLimits = _LIMITS) -> Image.Image:
    """Return the whole picture: first frame, turned upright, sRGB; L, LA, RGB or RGBA.

    Raises:
        PictureError: the picture cannot be read.
    """
    with reading(source):
        opened = open_picture(source, lambda whole: whole, limits)
        image = to_srgb(opened.image, opened.profile).copy()
    image.info = {}  # neither orientation nor profile may be applied a second time
    return image


def _resize(image: Image.Image, size: Size, box: tuple[float, ...]) -> Image.Image:
    if image.size == size and box == (0, 0, *size):
        return image
    left, top, right, bottom = box
    return image.resize(size, _FILTER, (left, top, right, bottom), reducing_gap=_REDUCING_GAP)


def _pad(pixels: NDArray[np.uint8], spec: ImageSpec) -> NDArray[np.uint8]:
    ground = Image.new("RGB", (1, 1), spec.background)
    padded = np.empty((spec.height, spec.width, spec.channels), np.uint8)
    padded[:] = on_background(ground, spec.background, spec.channels)
    top, left = (spec.height - pixels.shape[0]) // 2, (spec.width - pixels.shape[1]) // 2
    padded[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return padded
