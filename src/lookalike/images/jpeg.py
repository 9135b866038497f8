"""JPEG by the shortest way to libjpeg-turbo; what it will not decode is left to Pillow."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["quick_jpeg"]

# Pillow's mode -> the colours to ask for. CMYK and what Adobe made of it are Pillow's.
_COLOURS = {"L": "GRAY", "RGB": "RGB"}


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
    codec = _codec()
    if image.format not in ("JPEG", "MPO") or colours is None or codec is None:
        return None
    if not isinstance(file, io.BytesIO):
        return None
    width, height = image.size
    try:
        # The smallest scale that has so many pixels: that of the draft.
        pixels: NDArray[np.uint8] = codec.decode_jpeg(
            file.getbuffer(), colours, min_height=height, min_width=width, min_factor=1
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
