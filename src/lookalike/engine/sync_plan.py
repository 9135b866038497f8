"""What has to be done so that a gallery holds what a folder holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lookalike.walking import GONE

if TYPE_CHECKING:
    from lookalike.images import Skipped

__all__ = ["SyncPlan"]


@dataclass(frozen=True)
class SyncPlan:
    """What has to be done. A position is a place in the collection, a place is one in the gallery.

    Attributes:
        added: positions of pictures of new paths and contents.
        changed: positions of pictures whose content is new, with the place that is theirs.
        copied: positions of pictures with the place of another one of the same content.
        moved: positions of pictures with the place of theirs, which had another path.
        touched: positions of pictures of which only time of change, label or split is new.
        removed: places of pictures that are gone.
        kept: places of pictures that were not found, in a folder that cannot be read.
        skipped: files that are left out, with what they are like now.
        unchanged: how many pictures are as they were.
        files: position to size and time of change of its file, from before any was read: what
            changes later is found by the next sync.
    """

    added: tuple[int, ...] = ()
    changed: tuple[tuple[int, int], ...] = ()
    copied: tuple[tuple[int, int], ...] = ()
    moved: tuple[tuple[int, int], ...] = ()
    touched: tuple[tuple[int, int], ...] = ()
    removed: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()
    skipped: Mapping[str, Skipped] = field(default_factory=dict)
    unchanged: int = 0
    files: Mapping[int, tuple[int, int]] = field(default_factory=dict, repr=False)

    @property
    def is_certain(self) -> bool:
        """Whether all there is was read: nothing is kept unseen, nothing skipped unread."""
        return not self.kept and all(one.file != GONE for one in self.skipped.values())

    @property
    def embeds(self) -> int:
        """How many pictures have to be decoded and embedded."""
        return len(self.added) + len(self.changed)

    @property
    def changes(self) -> int:
        """How many pictures of the gallery come, go or become others."""
        parts = (self.added, self.changed, self.copied, self.moved, self.touched, self.removed)
        return sum(map(len, parts))

    def counts(self) -> dict[str, int]:
        """Return how many there are of each sort, ready for JSON."""
        names = ("added", "changed", "copied", "moved", "touched", "removed", "kept", "skipped")
        return {**{name: len(getattr(self, name)) for name in names}, "unchanged": self.unchanged}
