"""What was found out about copies, kept for a search with other kinds or another probability."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.copy_pairs import Pair, likely_pairs
from lookalike.engine.files import is_file_of_its_own, picture_file
from lookalike.engine.same_pixels import SamePixels, find_same_pixels
from lookalike.engine.second_look import SecondLook
from lookalike.images.content import FileFacts, file_facts
from lookalike.types import OnProgress

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts

__all__ = ["LOOKED_AT", "CopyEvidence", "Seen", "Stamp"]

# A second look may make this of much less: what is less probable by embeddings is not looked at.
LOOKED_AT = 0.02
# Second looks that are kept, and facts of files: some 500 bytes each.
KEPT = 200_000

Seen = tuple[int, int, int, int]
"""A place in the gallery; of its file the time of change, inode and size, 0 where it is gone."""

Stamp = Callable[[int], Seen]


class CopyEvidence:
    """What comparing a gallery's pictures has shown, whichever copies are asked for.

    Of pairs and of the same pixels, what was asked for last is kept. What was read in files holds
    while they are as they were then, and what could not be read is tried again: so a search with
    this finds what one without it does. For any thread.

    Args:
        engine: whose pictures they are; it must stay what it is while this is used.
    """

    def __init__(self, engine: EngineParts) -> None:
        self.engine = engine
        self._same: tuple[list[Seen], SamePixels] | None = None
        self._pairs: tuple[NDArray[np.int64], list[Pair]] | None = None
        self._agreed: dict[tuple[Seen, Seen], float] = {}
        self._facts: dict[Seen, FileFacts] = {}

    def same_pixels(self, places: Sequence[int], on_progress: OnProgress) -> SamePixels:
        """Return which of some pictures have the same pixels; see `find_same_pixels`."""
        seen, known = [self.seen(place) for place in places], self._same
        if known is not None and known[0] == seen:
            return known[1]
        found = find_same_pixels(self.engine, places, on_progress=on_progress)
        if not found.unread:
            self._same = seen, found
        return found

    def likely_pairs(self, places: NDArray[np.int64], on_progress: OnProgress) -> list[Pair]:
        """Return the pairs that deserve a second look; see `lookalike.engine.copy_pairs`."""
        known = self._pairs
        if known is not None and np.array_equal(known[0], places):
            return known[1]
        pairs = likely_pairs(self.engine, places, LOOKED_AT, on_progress=on_progress)
        self._pairs = places, pairs
        return pairs

    def agreed(self, pair: Pair, look: SecondLook, stamp: Stamp) -> float | None:
        """Return what a second look says of a pair; None where it could not be taken.

        Args:
            pair: of pictures.
            look: that of this search, which keeps pictures that it has read.
            stamp: what `seen` said of a place before its file was read.
        """
        seen = stamp(pair.one), stamp(pair.other)
        agreed = self._agreed.get(seen)
        if agreed is None:
            agreed = look(pair.one, pair.other)
            if agreed is not None and len(self._agreed) < KEPT:
                self._agreed[seen] = agreed
        return agreed

    def file_facts(self, place: int) -> FileFacts:
        """Return what the header of a picture's file says; nothing where it has no file."""
        path = self.engine.gallery.paths[place]
        if not is_file_of_its_own(path):
            return FileFacts()
        seen = self.seen(place)
        facts = self._facts.get(seen)
        if facts is None:
            facts = file_facts(picture_file(self.engine, path))
            if facts.frames and len(self._facts) < KEPT:
                self._facts[seen] = facts
        return facts

    def seen(self, place: int) -> Seen:
        """Return which file a picture has now."""
        try:
            status = picture_file(self.engine, self.engine.gallery.paths[place]).stat()
        except OSError:
            return place, 0, 0, 0
        return place, status.st_mtime_ns, status.st_ino, status.st_size
