"""A second look at pairs of pictures: their structures are laid over each other."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.files import is_file_of_its_own, picture_file
from lookalike.engine.thumbnails import file_thumbnail
from lookalike.errors import PictureError
from lookalike.images.agreement import SEEN, LookedAt, agreement, look_at

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts

__all__ = ["SecondLook", "with_second_look"]

# Pictures that are kept prepared: some 3 MB each.
KEPT = 64
# Of an original that is gone, what the engine keeps shows enough from this side on.
LEAST_SIDE = 24
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
# What an agreement says: the odds of a copy are multiplied by exp(STEEP · (agreement - EVEN)).
STEEP, EVEN = 9.0, 0.75
# What is certain would not be changed by a second look.
SURE = 1e-4


def with_second_look(probability: float, agreed: float | None) -> float:
    """Return the probability of a copy after a second look.

    Args:
        probability: by the embeddings alone.
        agreed: of the second look; None where it could not be taken.
    """
    if agreed is None:
        return probability
    kept = min(max(probability, SURE), 1 - SURE)
    logit = math.log(kept / (1 - kept)) + STEEP * (agreed - EVEN)
    return 1 / (1 + math.exp(-logit))


class SecondLook:
    """Looks at pictures of the gallery, each read once while it is among the last used.

    Args:
        engine: whose pictures they are; originals are read, or where they are gone the small
            copies that the engine keeps.
    """

    def __init__(self, engine: EngineParts) -> None:
        self.engine = engine
        self._seen: OrderedDict[int, tuple[LookedAt, ...]] = OrderedDict()

    def __call__(self, one: int, other: int) -> float | None:
        """Return how well two pictures agree, at most 1; None where there is nothing to compare.

        Transparent pictures are compared on white and on black, and count by the worse: figures
        drawn in white on nothing would otherwise all be the same.
        """
        first, second = self._look(one), self._look(other)
        if not first or not second:
            return None
        grounds = min(len(first), len(second))
        found = []
        for this, that in zip(first[:grounds], second[:grounds], strict=True):
            if this.plain and that.plain:
                continue
            found.append(agreement(this, that).score)
        return min(found) if found else None

    def _look(self, place: int) -> tuple[LookedAt, ...]:
        if place not in self._seen:
            self._seen[place] = tuple(look_at(pixels) for pixels in self._read(place))
            if len(self._seen) > KEPT:
                self._seen.popitem(last=False)
        self._seen.move_to_end(place)
        return self._seen[place]

    def _read(self, place: int) -> list[NDArray[np.uint8]]:
        """Return the picture on white and, if it is transparent, on black; nothing if it is gone.

        Opaque pictures are the same on both.
        """
        engine, path = self.engine, self.engine.gallery.paths[place]
        file = picture_file(engine, path)
        try:
            if is_file_of_its_own(path) and file.is_file():
                sha256 = engine.gallery.sha256[place]
                on_white = file_thumbnail(engine, file, SEEN, WHITE, enlarge=False, sha256=sha256)
                if file.suffix.lower() in (".jpg", ".jpeg"):
                    return [on_white]
                on_black = file_thumbnail(engine, file, SEEN, BLACK, enlarge=False)
                same = np.array_equal(on_white, on_black)
                return [on_white] if same else [on_white, on_black]
        except PictureError:
            return []
        row = None if engine.cache is None else engine.cache.position(path)
        if engine.cache is None or row is None:
            return []
        pixels = np.asarray(engine.cache.pixels[row])
        return [pixels] if min(pixels.shape[:2]) >= LEAST_SIDE else []
