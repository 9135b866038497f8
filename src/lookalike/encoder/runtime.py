"""What runs a network: torch, wherever it computes, or ONNX Runtime, on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lookalike.types import OnProgress, Progress

__all__ = ["Runtime", "collect"]


class Runtime(Protocol):
    """Runs a network batch by batch; what it gives is in the memory of the CPU."""

    def latents(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]
    ) -> Iterator[NDArray[np.float32]]:
        """Give the bare latents (B, D) of pictures, in the order of `rows`."""
        ...

    def rebuilt(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float64]]]:
        """Give reconstructions (B, H, W, C), 0 to 1 unless the decoder errs, and errors (B,).

        An error is the mean squared difference to the picture scaled to [0, 1].
        """
        ...

    def decoded(self, latents: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Give the pictures (B, H, W, C) that bare latents (N, D) stand for, batch by batch."""
        ...


def collect(
    given: Iterator[NDArray[np.float32]], count: int, width: int, on_progress: OnProgress
) -> NDArray[np.float32]:
    """Return the rows (count, width) that are given batch by batch."""
    found = np.empty((count, width), np.float32)
    done = 0
    for batch in given:
        found[done : done + len(batch)] = batch
        done += len(batch)
        on_progress(Progress("embed", done, count))
    return found
