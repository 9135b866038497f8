"""Pictures embedded while those after them are decoded: both share the cores, neither waits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.images.decoding import Block

if TYPE_CHECKING:
    from lookalike.encoder import Encoder

__all__ = ["EmbeddedAhead", "in_groups"]

# Blocks that are embedded as one: at the end of each such run some threads wait for the last, and
# while it runs, it and the decoding are in each other's way.
TOGETHER = 8


def in_groups(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Give blocks a few at a time, to be embedded as one."""
    waiting = iter(blocks)
    while group := list(islice(waiting, TOGETHER)):
        yield group


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
        self._latents: list[NDArray[np.float32]] = []
        self._turned: list[NDArray[np.float32]] = []
        self._waiting: list[NDArray[np.uint8]] = []

    def take(self, pixels: NDArray[np.uint8]) -> None:
        """Embed the next pictures, uint8 (n, H, W, C), or keep them until more are there."""
        if len(pixels):
            self._waiting.append(pixels)
        if len(self._waiting) == TOGETHER:
            self._embed()

    def _embed(self) -> None:
        """Embed what waits."""
        if not self._waiting:
            return
        pixels = np.concatenate(self._waiting)
        self._waiting.clear()
        self._latents.append(self._encoder.latents(pixels))
        if self._mirrored:
            self._turned.append(self._encoder.latents(pixels[:, :, ::-1]))

    def knows(self, count: int) -> bool:
        """Whether so many pictures were given."""
        self._embed()
        return sum(len(block) for block in self._latents) == count

    def latents(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the bare latents (M, D) of some of the pictures given."""
        self._embed()
        return _joined(self._latents, rows)

    def turned(self, rows: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Return those of their mirror images (M, D), where they were asked for."""
        self._embed()
        return _joined(self._turned, rows) if self._turned else None


def _joined(blocks: list[NDArray[np.float32]], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Take rows out of blocks, without a copy of all of them if that is what is wanted."""
    if len(blocks) > 1:
        blocks[:] = [np.concatenate(blocks)]
    (joined,) = blocks
    return joined if np.array_equal(rows, np.arange(len(joined))) else joined[rows]
