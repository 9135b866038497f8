"""From any mode that a file may have to plain 8-bit grey or RGB: the colours of a picture."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

__all__ = ["SIDEWAYS", "on_background", "orientation_of", "plain_mode", "to_srgb"]

_ORIENTATION = 0x0112
_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = {
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90,
}
"""The transposes that swap width and height."""

# Pixels that are scaled at a time.
_STRIP = 1 << 20
_PLAIN = {"L", "LA", "RGB", "RGBA", "CMYK", "LAB"}
_WITHOUT_ALPHA = {"1": "L", "La": "LA", "RGBa": "RGBA", "PA": "RGBA"}


def orientation_of(image: Image.Image) -> Image.Transpose | None:
    """Return how a picture must be turned or mirrored to be upright, by EXIF or XMP.

    A damaged EXIF block says nothing, and is no reason to lose the picture.
    """
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:  # Pillow's parser fails in many ways on damaged EXIF
        return None
    return _TRANSPOSES.get(orientation) if isinstance(orientation, int) else None


def plain_mode(image: Image.Image) -> Image.Image:
    """Return a picture of mode L, LA, RGB, RGBA, CMYK or LAB, 8 bits a channel.

    Pictures of more than 8 bits are scaled, never clipped: see `_scale_to_bytes`.
    """
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_scale_to_bytes(image))
    if "transparency" in image.info and image.mode in ("1", "L", "P", "RGB"):
        return image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    if image.mode in _PLAIN:
        return image
    return image.convert(_WITHOUT_ALPHA.get(image.mode, "RGB"))


def _scale_to_bytes(image: Image.Image) -> NDArray[np.uint8]:
    """Scale to 0..255: 16 bits by their whole range, whole numbers and floats by what they hold.

    32-bit numbers within 0..65535 count as 16 bits (that is how they were written before Pillow
    had a mode of its own for them), floats within 0..1 as a share of white and floats within
    0..255 as they are; anything else is stretched from its smallest to its largest value.
    """
    low, high = _range(image)
    scaled = np.empty((image.height, image.width), np.uint8)
    for top, values in _strips(image):
        strip = _scale(values.astype(np.float64), low, high, image.mode)
        scaled[top : top + len(strip)] = strip
    return scaled


def _strips(image: Image.Image) -> Iterator[tuple[int, NDArray[Any]]]:
    """Give the pixels in strips with their first rows: all at once they may take gigabytes."""
    rows = max(1, _STRIP // max(1, image.width))
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        yield top, np.asarray(image.crop(box))


def _range(image: Image.Image) -> tuple[float, float]:
    """Return the smallest and the largest finite value; 0 and 0 where there is none."""
    low, high = np.inf, -np.inf
    for _, values in _strips(image):
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def _scale(numbers: NDArray[np.float64], low: float, high: float, mode: str) -> NDArray[np.uint8]:
    numbers = np.where(np.isfinite(numbers), numbers, low)
    if mode == "F" and low >= 0 and high <= 255:
        scaled = numbers * (255 if high <= 1 else 1)
    elif mode != "F" and low >= 0 and high <= 65535:
        scaled = numbers / 257
    else:
        scaled = (numbers - low) * (255 / (high - low or 1))
    return np.rint(scaled).astype(np.uint8)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert a plain picture to sRGB by its colour profile; L and LA stay what they are.

    A profile that does not work is ignored: nearly right colours beat a lost picture.
    """
    if image.mode in ("L", "LA"):
        return image
    transform = _transform(profile, "RGB" if image.mode == "RGBA" else image.mode)
    if transform is None:
        return image if image.mode in ("RGB", "RGBA") else image.convert("RGB")
    colours = image.convert("RGB") if image.mode == "RGBA" else image
    converted = ImageCms.applyTransform(colours, transform)
    if converted is None:
        return image
    if image.mode == "RGBA":
        converted.putalpha(image.getchannel("A"))
    return converted


@lru_cache(maxsize=64)
def _transform(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    if profile is None and mode != "LAB":
        return None
    try:
        source = (
            ImageCms.createProfile("LAB")
            if profile is None or mode == "LAB"
            else ImageCms.getOpenProfile(io.BytesIO(profile))
        )
        if mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(source):
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def on_background(
    image: Image.Image, background: tuple[int, int, int], channels: int
) -> NDArray[np.uint8]:
    """Return the pixels of an L, LA, RGB or RGBA picture, transparency over `background`.

    Returns:
        uint8 (height, width, channels); colours become grey by Pillow's "L".
    """
    if image.mode in ("LA", "RGBA"):
        below = Image.new("RGBA", image.size, (*background, 255))
        image = Image.alpha_composite(below, image.convert("RGBA"))
    pixels = np.array(image.convert("L" if channels == 1 else "RGB"))  # a copy: one may write to it
    return pixels.reshape(image.height, image.width, channels)
