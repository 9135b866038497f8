"""From decoded pictures to network input: which rows make a batch, and how they become floats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lookalike.errors import SettingsError

if TYPE_CHECKING:
    from lookalike.images.spec import ImageSpec

__all__ = ["PixelSource", "batches", "share", "shuffled", "to_input"]

# Pictures stay on a GPU when they take at most this share of its free memory: the rest is for
# the network's own tensors.
RESIDENT_SHARE = 0.4
# Rows copied at once to a GPU, so that a memory-mapped file never has to fit in memory.
COPY_ROWS = 1024


def to_input(
    batch: NDArray[np.uint8] | Tensor, image: ImageSpec, device: torch.device | None = None
) -> Tensor:
    """Return pictures as the network wants them: (pixels / 255 - mean) / std.

    The bytes travel to the device and become floats there: a quarter of the traffic.

    Args:
        batch: uint8 (B, H, W, C).
        image: its size and normalisation.
        device: where to; None leaves a tensor where it is.

    Returns:
        float32 (B, C, H, W) on `device`, channels last in memory.

    Raises:
        SettingsError: `batch` is not uint8 or not of the image's shape.
    """
    tensor = torch.from_numpy(batch) if isinstance(batch, np.ndarray) else batch
    wanted = (image.height, image.width, image.channels)
    if tensor.dtype != torch.uint8 or tuple(tensor.shape[1:]) != wanted:
        raise SettingsError(
            f"wanted pictures as uint8 (B, {', '.join(map(str, wanted))}), "
            f"got {str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
        )
    x = tensor.to(device or tensor.device).permute(0, 3, 1, 2)  # (B, C, H, W), channels last
    x = x.to(torch.float32).div_(255)
    if any(image.mean) or any(value != 1 for value in image.std):
        mean = torch.tensor(image.mean, device=x.device).view(1, -1, 1, 1)  # 1 or C values
        std = torch.tensor(image.std, device=x.device).view(1, -1, 1, 1)
        x = x.sub_(mean).div_(std)
    return x


def batches(rows: NDArray[np.int64], size: int, smallest: int = 1) -> Iterator[NDArray[np.int64]]:
    """Cut `rows` into batches of `size`; the last may be smaller, and no row is left out.

    Args:
        rows: positions of pictures (N,).
        size: rows in a batch.
        smallest: a last batch of fewer rows than this joins the batch before it: batch
            normalisation cannot train on one picture whose map is 1 by 1.

    >>> [batch.tolist() for batch in batches(np.arange(5), 2)]
    [[0, 1], [2, 3], [4]]
    >>> [batch.tolist() for batch in batches(np.arange(5), 2, smallest=2)]
    [[0, 1], [2, 3, 4]]
    """
    starts = list(range(0, len(rows), size))
    if len(starts) > 1 and len(rows) - starts[-1] < smallest:
        starts.pop()
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=False):  # no rows: no start
        yield rows[start:end]


def shuffled(rows: NDArray[np.int64], generator: torch.Generator) -> NDArray[np.int64]:
    """Return `rows` in the random order that a CPU `generator` gives."""
    return np.asarray(rows[torch.randperm(len(rows), generator=generator).numpy()])


def share(batch: NDArray[np.int64], process: int, processes: int) -> NDArray[np.int64]:
    """Return the part of a batch that one of several processes computes.

    >>> [share(np.arange(5), process, 2).tolist() for process in range(2)]
    [[0, 2, 4], [1, 3]]
    """
    return batch[process::processes]


class PixelSource:
    """Decoded pictures, wherever they are, from which batches are picked by row.

    On a GPU with room for them the rows asked for are copied there once; else they stay in the
    array, which may be a memory-mapped file, and each batch is copied when it is picked.

    Args:
        pixels: uint8 (N, H, W, C).
        rows: the rows that will ever be picked.
        image: size and normalisation.
        device: where batches go.
        resident: keep the pictures on the device; None decides by the room there is.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        rows: NDArray[np.int64],
        image: ImageSpec,
        device: torch.device,
        resident: bool | None = None,
    ) -> None:
        self.pixels = pixels
        self.image = image
        self.device = device
        self._resident: Tensor | None = None
        self._place: NDArray[np.int64] | None = None  # (N,): row of `pixels` -> row on the device
        if _has_room(pixels, len(rows), device) if resident is None else resident:
            self._resident, self._place = _copy(pixels, np.unique(rows), device)

    def pick(self, rows: NDArray[np.int64]) -> Tensor:
        """Return these rows as network input: float32 (B, C, H, W) on the device."""
        if self._resident is None or self._place is None:
            batch = torch.from_numpy(self.pixels[rows])
            if self.device.type == "cuda":  # pinned, so that copying and computing overlap
                batch = batch.pin_memory().to(self.device, non_blocking=True)
        else:
            places = torch.from_numpy(self._place[rows]).to(self.device, non_blocking=True)
            batch = self._resident.index_select(0, places)
        return to_input(batch, self.image, self.device)


def _has_room(pixels: NDArray[np.uint8], rows: int, device: torch.device) -> bool:
    if device.type != "cuda":  # elsewhere the pictures are already in the memory computed from
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return rows * pixels[:1].nbytes < RESIDENT_SHARE * free


def _copy(
    pixels: NDArray[np.uint8], rows: NDArray[np.int64], device: torch.device
) -> tuple[Tensor, NDArray[np.int64]]:
    resident = torch.empty((len(rows), *pixels.shape[1:]), dtype=torch.uint8, device=device)
    for start in range(0, len(rows), COPY_ROWS):
        part = torch.from_numpy(pixels[rows[start : start + COPY_ROWS]])
        resident[start : start + len(part)].copy_(part)
    place = np.full(len(pixels), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    return resident, place
