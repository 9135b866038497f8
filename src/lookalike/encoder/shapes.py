"""What pixels must be, whatever runs the network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import SettingsError
from lookalike.images.spec import ImageSpec

__all__ = ["check_pixels"]


def check_pixels(pixels: NDArray[np.uint8], image: ImageSpec) -> None:
    """Raise a `SettingsError` unless the pixels are uint8 (N, H, W, C) as `image` says."""
    channels, height, width = image.shape
    if pixels.dtype != np.uint8 or pixels.shape[1:] != (height, width, channels):
        raise SettingsError(
            f"pixels are {pixels.dtype} {pixels.shape}: "
            f"wanted uint8 (N, {height}, {width}, {channels})"
        )
