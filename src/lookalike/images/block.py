"""Some pictures of a collection, decoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.images.collection import Skipped

__all__ = ["Block"]


@dataclass(frozen=True, eq=False)
class Block:
    """Some neighbouring pictures of a collection, decoded.

    Attributes:
        positions: in the collection, of those that could be read.
        pixels: uint8 (n, H, W, C), as many as positions.
        sizes: (width, height) of the originals.
        files: (size in bytes, time of change in ns) of each file, from before it was read.
        sha256: of each file's bytes, or of the picture's bytes within an IDX file, in hex.
        skipped: those that could not be read.
        seen: how many pictures this block was made from.
    """

    positions: tuple[int, ...]
    pixels: NDArray[np.uint8]
    sizes: tuple[tuple[int, int], ...]
    files: tuple[tuple[int, int], ...]
    sha256: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    seen: int
