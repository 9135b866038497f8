"""Pictures embedded while those after them are decoded: both share the cores, neither waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lookalike.encoder import Encoder

__all__ = ["EmbeddedAhead", "RowsToCome"]

# Batches that may still be computed when the next block is asked for: some for every thread.
MOST_BEGUN = 8


class EmbeddedAhead:
    """Bare latents of pictures that are given block after block.

    Args:
        encoder: what embeds; its weights stay as they are from now on.
        mirrored: embed their mirror images as well.
    """

    def __init__(self, encoder: Encoder, *, mirrored: bool) -> None:
        encoder.freeze()
        self._encoder = encoder
        self._mirrored = mirrored
        self._count = 0
        self._latents, self._turned = RowsToCome(), RowsToCome()

    def take(self, pixels: NDArray[np.uint8]) -> None:
        """Begin to embed the next pictures, uint8 (n, H, W, C); they must stay as they are."""
        if not len(pixels):
            return
        self._latents.add(self._encoder.begin_latents(pixels))
        if self._mirrored:
            self._turned.add(self._encoder.begin_latents(pixels[:, :, ::-1]))
        self._count += len(pixels)

    def stop(self) -> None:
        """Leave what has not been computed yet: nobody will ask for it."""
        self._latents.stop()
        self._turned.stop()

    def knows(self, count: int) -> bool:
        """Whether so many pictures were given."""
        return self._count == count

    def latents(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the bare latents (M, D) of some of the pictures given."""
        return _taken(self._latents.all(), rows)

    def turned(self, rows: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Return those of their mirror images (M, D), where they were asked for."""
        return _taken(self._turned.all(), rows) if self._mirrored else None


class RowsToCome:
    """Rows batch after batch, of which the last few are still being computed."""

    def __init__(self) -> None:
        self._done: list[NDArray[np.float32]] = []
        self._begun: deque[Future[NDArray[np.float32]]] = deque()

    def add(self, begun: Iterable[Future[NDArray[np.float32]]]) -> None:
        """Add the next batches (B, D); wait until only a few are left to be computed."""
        self._begun.extend(begun)
        self._wait(MOST_BEGUN)

    def all(self) -> NDArray[np.float32]:
        """Return all rows (N, D) in the order in which they were added; (0, 0) without any."""
        self._wait(0)
        if len(self._done) != 1:
            self._done = [np.concatenate(self._done or [np.zeros((0, 0), np.float32)])]
        return self._done[0]

    def stop(self) -> None:
        """Leave what has not been computed yet.

        An interpreter that ends would compute it first.
        """
        for future in self._begun:
            future.cancel()

    def _wait(self, left: int) -> None:
        while len(self._begun) > left:
            self._done.append(self._begun[0].result())
            self._begun.popleft()


def _taken(found: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Take rows, without a copy of all of them if that is what is wanted."""
    return found if np.array_equal(rows, np.arange(len(found))) else found[rows]
