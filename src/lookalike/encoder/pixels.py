"""From many decoded pictures to batches that a network takes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from lookalike.encoder.shapes import check_pixels
from lookalike.images.spec import ImageSpec
from lookalike.training import to_input

__all__ = ["batch_size", "input_batches"]

BATCH = 256
# Large pictures: this many input values at most in one batch (256 MB of float32).
BATCH_VALUES = 64_000_000


def batch_size(image: ImageSpec) -> int:
    """Return how many pictures go through a network at once."""
    return max(1, min(BATCH, BATCH_VALUES // int(np.prod(image.shape))))


def input_batches(
    pixels: NDArray[np.uint8],
    rows: NDArray[np.int64],
    image: ImageSpec,
    device: torch.device,
) -> Iterator[torch.Tensor]:
    """Give inputs (B, C, H, W), float32 on `device`, of some pictures in the order of `rows`.

    Args:
        pixels: uint8 (N, H, W, C); may be a memory map.
        rows: positions (M,) of the pictures to take.
        image: how pictures are prepared.
        device: where the network runs.

    Raises:
        SettingsError: the pixels are of another shape or type.
    """
    check_pixels(pixels, image)
    size = batch_size(image)
    for start in range(0, len(rows), size):
        yield to_input(_moved(pixels[rows[start : start + size]], device), image, device)


def _moved(batch: NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    """Return the bytes on the device; to a GPU from pinned memory, while it still computes."""
    tensor = torch.from_numpy(batch)
    if device.type != "cuda":
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)
