"""JPEG by the shortest way to libjpeg-turbo; what it will not decode is left to Pillow."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike.images.fitting import Size
from lookalike.images.limits import IntakeLimits

__all__ = ["PlainJpeg", "plain_jpeg", "quick_jpeg"]

# Pillow's mode, and components of a file -> the colours to ask for. CMYK and what Adobe made of it
# are Pillow's.
_COLOURS = {"L": "GRAY", "RGB": "RGB"}
_COMPONENTS = {1: "GRAY", 3: "RGB"}

# Of pictures so small several scales have the same size.
_SEVERAL = 8

# What follows an FF that begins a segment (ITU-T T.81, table B.1).
_START, _SCAN, _JFIF = 0xD8, 0xDA, 0xE0
_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive: of 8 bits by Huffman codes
_OTHERS = (0xC4, 0xDB, 0xDD, 0xFE)  # its tables, its restarts, and comments


@dataclass(frozen=True, eq=False)
class PlainJpeg:
    """A JPEG that says nothing of itself beside its pixels.

    Attributes:
        pixels: uint8 (H, W, 3), or (H, W, 1) of a grey picture, at one of libjpeg's scales.
        size: (width, height) of the original.
    """

    pixels: NDArray[np.uint8]
    size: Size


def plain_jpeg(
    data: bytes, enough: Callable[[Size], Size], limits: IntakeLimits
) -> PlainJpeg | None:
    """Decode a JPEG that has neither EXIF nor a colour profile nor anything else to heed.

    Opening such a file by Pillow would take longer than reading it and hashing it.

    Args:
        data: the bytes of a file, of any format.
        enough: says how many pixels (width, height) a size must keep.
        limits: how many pixels it may claim.

    Returns:
        None where Pillow has to open it, or say what is wrong with it.
    """
    frame = _plain_frame(data)
    if frame is None or frame[1] not in _COMPONENTS or limits.too_many(*frame[0]):
        return None
    (width, height), components = frame
    wanted = enough((width, height))
    # As Pillow's draft chooses.
    scale = max(1, min(width // wanted[0], height // wanted[1]))
    scale = next(known for known in (8, 4, 2, 1) if known <= scale)
    pixels = _decoded(data, _COMPONENTS[components], -(-width // scale), -(-height // scale))
    return None if pixels is None else PlainJpeg(pixels, (width, height))


def _plain_frame(data: bytes) -> tuple[Size, int] | None:
    """Return (width, height) and the number of components, if only the picture is described."""
    if data[:2] != bytes((0xFF, _START)):
        return None
    frame, at = None, 2
    while at + 10 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _SCAN:
            return frame
        if marker in _FRAMES and frame is None and data[at + 4] == 8:
            height = int.from_bytes(data[at + 5 : at + 7])
            frame = (int.from_bytes(data[at + 7 : at + 9]), height), data[at + 9]
        elif marker not in _OTHERS and (marker != _JFIF or data[at + 4 : at + 9] != b"JFIF\0"):
            return None
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None


def quick_jpeg(image: Image.Image) -> NDArray[np.uint8] | None:
    """Return the pixels of an opened JPEG at the size that it has been drafted to.

    They are what Pillow gives, which reads the file in pieces and is a fifth slower.

    Args:
        image: opened from memory, not loaded.

    Returns:
        uint8 (H, W, 3), or (H, W, 1) of a grey picture; None where Pillow has to decode it:
        another format or colours, a damaged file.
    """
    colours = _COLOURS.get(image.mode)
    file = getattr(image, "fp", None)
    if image.format not in ("JPEG", "MPO") or colours is None:
        return None
    if not isinstance(file, io.BytesIO):
        return None
    return _decoded(file.getbuffer(), colours, *image.size)


def _decoded(
    data: bytes | memoryview, colours: str, width: int, height: int
) -> NDArray[np.uint8] | None:
    """Return uint8 (height, width, C): the smallest scale that has so many pixels, if it fits."""
    codec = _codec()
    if codec is None or max(width, height) < _SEVERAL:
        return None
    try:
        pixels: NDArray[np.uint8] = codec.decode_jpeg(
            data, colours, min_height=height, min_width=width, min_factor=1
        )
    except ValueError:  # also of a warning: what can be saved, Pillow saves
        return None
    return pixels if pixels.shape[:2] == (height, width) else None


@lru_cache(maxsize=1)
def _codec() -> Any:  # noqa: ANN401 - it has no types
    try:
        import simplejpeg
    except ImportError:
        return None
    return simplejpeg
