"""What is known of pictures that are there more than once, each read once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lookalike.engine.copy_pairs import Pair
from lookalike.engine.duplicate_groups import Copy, Kind
from lookalike.engine.keeping import Candidate

if TYPE_CHECKING:
    from lookalike.engine.copy_evidence import CopyEvidence

__all__ = ["CopyFacts"]

# Pictures taken no more seconds apart are of one moment.
BURST_SECONDS = 10
NANO = 1_000_000_000
# The last second that a date can be of, with a day for the time zone.
LAST = datetime(9999, 12, 30, tzinfo=UTC).timestamp()


class CopyFacts:
    """Facts of the pictures of an engine's gallery, by their places, as they are in one search.

    Args:
        evidence: what was read in their files.
    """

    def __init__(self, evidence: CopyEvidence) -> None:
        self.evidence = evidence
        self._candidates: dict[int, Candidate] = {}

    def __call__(self, place: int) -> Candidate:
        """Return what a choice of the one to keep looks at."""
        if place not in self._candidates:
            gallery = self.evidence.engine.gallery
            self._candidates[place] = Candidate(
                place,
                gallery.paths[place],
                int(gallery.widths[place]),
                int(gallery.heights[place]),
                int(gallery.file_sizes[place]),
                int(gallery.modified[place]) / NANO,
                self.evidence.file_facts(place),
            )
        return self._candidates[place]

    def copy(self, place: int, kind: Kind | None, probability: float | None) -> Copy:
        """Return a picture as a group of copies shows it."""
        one = self(place)
        return Copy(
            one.path,
            kind,
            probability,
            one.width,
            one.height,
            one.file_size,
            datetime.fromtimestamp(min(max(one.modified, 0), LAST)).astimezone(),
            one.facts.format,
            one.facts.taken,
            self.evidence.engine.gallery.sha256[place],
        )

    def are_of_one_moment(self, pair: Pair) -> bool:
        """Whether both pictures of a pair were taken, by their cameras, at one time."""
        times = [self(place).facts.taken for place in (pair.one, pair.other)]
        if times[0] is None or times[1] is None:
            return False
        return abs((times[0] - times[1]).total_seconds()) <= BURST_SECONDS
