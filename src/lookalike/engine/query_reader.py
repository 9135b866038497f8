"""Reading the pictures of queries: a few in this process, many in one of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import PictureError
from lookalike.images import IntakeLimits, decode
from lookalike.names import name_of_file

if TYPE_CHECKING:
    from PIL.Image import Image

    from lookalike.images import ImageSpec
    from lookalike.images.guarded import Intake

__all__ = ["PictureLike", "QueryReader", "query_reader"]

PictureLike: TypeAlias = "str | Path | bytes | NDArray[np.uint8] | Image"

# From so many queries on they are decoded in a process of their own.
MANY = 16


@dataclass(frozen=True)
class QueryReader:
    """Reads queries.

    Attributes:
        image: how the encoder wants pictures.
        limits: what one picture may cost.
        intake: decodes files in a process of its own; None decodes here.
    """

    image: ImageSpec
    limits: IntakeLimits
    intake: Intake | None = None

    def pixels(self, picture: PictureLike) -> NDArray[np.uint8]:
        """Return uint8 (H, W, C) of a picture.

        Raises:
            PictureError: it cannot be read.
        """
        if self.intake is None or not isinstance(picture, str | Path):
            return decode(picture, self.image, self.limits).pixels
        channels, height, width = self.image.shape
        pixels = np.empty((1, height, width, channels), np.uint8)
        (answer,) = self.intake.decode([Path(picture).absolute()], self.image, pixels)
        if answer.size is None:
            raise PictureError(f"cannot read {name_of_file(str(picture))}: {answer.reason}")
        return np.asarray(pixels[0])


@contextmanager
def query_reader(image: ImageSpec, limits: IntakeLimits, count: int) -> Iterator[QueryReader]:
    """Give what reads `count` queries; for a few, starting a process takes longer than they do.

    Where more pixels are allowed than Pillow by itself reads, only a process of our own reads them.
    """
    if count < MANY and limits.max_pixels <= IntakeLimits().max_pixels:
        yield QueryReader(image, limits)
        return
    from lookalike.images.guarded import Intake, can_guard

    if not can_guard():
        yield QueryReader(image, limits)
        return
    with Intake(limits) as intake:
        yield QueryReader(image, limits, intake)
