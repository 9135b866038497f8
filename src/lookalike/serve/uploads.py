"""Pictures that were uploaded to be searched with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.images import ImageSpec, IntakeLimits
from lookalike.serve.bounded import Bounded
from lookalike.serve.errors import Refusal
from lookalike.serve.settings import ServeSettings

__all__ = ["Upload", "Uploads", "digest_of", "upload_limits"]


@dataclass(frozen=True, eq=False)
class Upload:
    """An uploaded picture.

    Attributes:
        id: SHA-256 of its bytes, in hex.
        data: its bytes, as they came.
        width: in pixels, as it is shown.
        height: likewise.
        spec: how the encoder wanted pictures when it came.
        pixels: uint8 (H, W, C), so.
    """

    id: str
    data: bytes
    width: int
    height: int
    spec: ImageSpec
    pixels: NDArray[np.uint8]

    @property
    def bytes(self) -> int:
        """That it takes in memory, about."""
        return len(self.data) + self.pixels.nbytes + 1_000


def digest_of(data: bytes) -> str:
    """Return what an upload of these bytes is called."""
    return hashlib.sha256(data).hexdigest()


def upload_limits(own: IntakeLimits, settings: ServeSettings) -> IntakeLimits:
    """Return what an uploaded picture may cost: no more than one of the engine's own."""
    return IntakeLimits(
        max_pixels=min(own.max_pixels, settings.upload_pixels),
        max_bytes=min(own.max_bytes, settings.upload_bytes),
        seconds=min(own.seconds, settings.upload_seconds),
        memory=own.memory,
    )


class Uploads:
    """The latest uploads, bounded by the bytes that they take.

    Args:
        most: bytes of all together.
    """

    def __init__(self, most: int) -> None:
        self._kept: Bounded[str, Upload] = Bounded(most, lambda one: one.bytes)

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def bytes(self) -> int:
        """That they take."""
        return self._kept.bytes

    def keep(self, upload: Upload) -> None:
        """Keep an upload; the ones unused for longest make room."""
        self._kept.put(upload.id, upload)

    def get(self, name: str) -> Upload | None:
        """Return an upload; None where it is not kept."""
        return self._kept.get(name)

    def find(self, name: str) -> Upload:
        """Return an upload.

        Raises:
            Refusal: it is not kept, or no longer.
        """
        found = self._kept.get(name)
        if found is None:
            raise Refusal(404, "this uploaded picture is no longer kept: upload it again")
        return found
