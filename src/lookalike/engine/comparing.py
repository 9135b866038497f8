"""Compare a gallery with a collection: files are known by content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lookalike.engine.sync_plan import SyncPlan
from lookalike.images import Collection, Skipped
from lookalike.images.reading import file_digest
from lookalike.types import OnProgress, Progress, silent
from lookalike.walking import GONE

if TYPE_CHECKING:
    from lookalike.gallery import Gallery

__all__ = ["make_plan"]


def make_plan(
    gallery: Gallery,
    collection: Collection,
    skipped: Mapping[str, Skipped],
    *,
    dropped: Sequence[str] = (),
    verify: bool = False,
    on_progress: OnProgress = silent,
) -> SyncPlan:
    """Compare a gallery with a collection.

    A file of the size and time of change that it had is taken for unchanged, unread. Others are
    read and known by the SHA-256 of their bytes: what has that content already is not embedded.

    Args:
        gallery: as it is.
        collection: what the folder holds.
        skipped: files that could not be read, by path.
        dropped: folders that are given up: what is below is gone.
        verify: read every file.
        on_progress: told how many files are read.
    """
    return _Comparison(gallery, collection, skipped, dropped).plan(verify, on_progress)


class _Comparison:
    def __init__(
        self,
        gallery: Gallery,
        collection: Collection,
        skipped: Mapping[str, Skipped],
        dropped: Sequence[str],
    ) -> None:
        self.dropped = tuple(f"{name}/" for name in dropped)
        self.gallery = gallery
        self.collection = collection
        self.skipped_before = skipped
        stat_of = lru_cache(None)(collection.stat_of)  # an IDX file holds many pictures
        self.positions = [
            position
            for position, picture in enumerate(collection.pictures)
            if picture.split != "test"  # those are queries
        ]
        self.files = {
            position: stat_of(collection.file_of(position)) for position in self.positions
        }
        self.known_files = list(
            zip(gallery.file_sizes.tolist(), gallery.modified.tolist(), strict=True)
        )

    def plan(self, verify: bool, on_progress: OnProgress) -> SyncPlan:
        same, asked, skipped = self._by_file(verify)
        digests, unreadable = _digests(self.collection, asked, on_progress)
        skipped |= {
            path: Skipped(path, reason)  # it is not known what it is: it is tried again
            for position, reason in unreadable.items()
            if (path := self.collection.pictures[position].path)
        }
        same, asked = self._by_content(same, asked, digests)
        kept = self._kept(unreadable)
        taken = {place for _, place in same} | set(kept)
        free = [place for place in range(len(self.gallery)) if place not in taken]
        moved, rest = self._moved(asked, free, digests)
        copied, rest = self._copied(rest, digests)
        free = sorted(set(free) - {place for _, place in moved})
        own = {self.gallery.paths[place]: place for place in free}
        paths = {position: self.collection.pictures[position].path for position in rest}
        changed = [(one, own[paths[one]]) for one in rest if paths[one] in own]
        touched = [pair for pair in same if self._is_touched(*pair)]
        return SyncPlan(
            added=tuple(position for position in rest if paths[position] not in own),
            changed=tuple(changed),
            copied=tuple(copied),
            moved=tuple(moved),
            touched=tuple(touched),
            removed=tuple(sorted(set(free) - {place for _, place in changed})),
            kept=tuple(kept),
            skipped=skipped,
            unchanged=len(same) - len(touched),
            files=self.files,
        )

    def _by_file(self, verify: bool) -> tuple[list[tuple[int, int]], list[int], dict[str, Skipped]]:
        """Return what is the same by size and time, what has to be read, and what is not to be."""
        same, asked = [], []
        skipped = {one.path: one for one in self.collection.skipped}
        over = self._over_limits()
        for position in self.positions:
            path, file = self.collection.pictures[position].path, self.files[position]
            place, before = self.gallery.position(path), self.skipped_before.get(path)
            known = place is not None and self.known_files[place] == file != GONE
            problem = self._too_large(file[0]) or (over.get(place) if known else None)
            if problem:
                skipped[path] = Skipped(path, problem, file)  # too large to be known by content
            elif place is not None and known and not verify:
                same.append((position, place))
            elif before is not None and before.file == file != GONE and not verify:
                skipped[path] = before
            else:
                asked.append(position)
        return same, asked, skipped

    def _too_large(self, size: int) -> str:
        """Return why a file is not even read; an IDX file is no picture."""
        return "" if self.collection.kind == "idx" else self.collection.limits.too_large(size)

    def _over_limits(self) -> dict[int | None, str]:
        """Return the places of pictures that cost more than the limits of now, and why."""
        gallery, limits = self.gallery, self.collection.limits
        pixels = gallery.widths.astype(np.int64) * gallery.heights
        places = np.flatnonzero(pixels > limits.max_pixels).tolist()
        return {
            place: limits.too_many(int(gallery.widths[place]), int(gallery.heights[place]))
            for place in places
        }

    def _by_content(
        self, same: list[tuple[int, int]], asked: Iterable[int], digests: Mapping[int, str]
    ) -> tuple[list[tuple[int, int]], list[int]]:
        """Add what has its path and its content still; return the rest of what could be read."""
        rest = []
        for position in asked:
            if position not in digests:
                continue
            place = self.gallery.position(self.collection.pictures[position].path)
            if place is not None and self.gallery.sha256[place] == digests[position]:
                same.append((position, place))
            else:
                rest.append(position)
        return same, rest

    def _kept(self, unreadable: Iterable[int]) -> list[int]:
        """Return places of pictures that may still be there: what hides them cannot be read.

        So may what a dangling link leads to, and a listed file whose folder is not there either.
        """
        pictures, left_out = self.collection.pictures, self.collection.skipped
        names = [one.path for one in left_out] + [pictures[one].path for one in unreadable]
        hidden = {name for name in names if not self._is_gone(name)}
        places = self.collection.places
        folders = tuple(f"{one.path}/" for one in left_out)
        first = any(one.path == "." for one in left_out)  # all of it, but not of further folders
        seen = {pictures[position].path for position in self.positions}

        def is_kept(path: str) -> bool:
            if path in hidden:
                return True
            if path in seen or path.startswith(self.dropped):
                return False
            return path.startswith(folders) or (first and not places.folder_of(path))

        return [place for place, path in enumerate(self.gallery.paths) if is_kept(path)]

    def _is_gone(self, path: str) -> bool:
        place = self.collection.places.file(path)
        return place.parent.is_dir() and not os.path.lexists(place)

    def _moved(
        self, asked: Sequence[int], free: Iterable[int], digests: Mapping[int, str]
    ) -> tuple[list[tuple[int, int]], list[int]]:
        places: dict[str, list[int]] = {}
        for place in free:
            places.setdefault(self.gallery.sha256[place], []).append(place)
        moved, rest = [], []
        for position in asked:
            known = places.get(digests[position])
            if known:
                moved.append((position, known.pop(0)))
            else:
                rest.append(position)
        return moved, rest

    def _copied(
        self, asked: Sequence[int], digests: Mapping[int, str]
    ) -> tuple[list[tuple[int, int]], list[int]]:
        copied, rest = [], []
        wanted = {digests[position] for position in asked}
        places: dict[str, int] = {}
        if wanted:  # one look at the whole column is quicker than many at the disk
            for place, digest in enumerate(self.gallery.sha256):
                if digest in wanted:
                    places.setdefault(digest, place)
        for position in asked:
            known = places.get(digests[position])
            if known is None:
                rest.append(position)
            else:
                copied.append((position, known))
        return copied, rest

    def _is_touched(self, position: int, place: int) -> bool:
        picture, gallery = self.collection.pictures[position], self.gallery
        now: tuple[Any, ...] = (self.files[position], picture.label, picture.split)
        return now != (self.known_files[place], gallery.labels[place], gallery.splits[place])


def _digests(
    collection: Collection, positions: Sequence[int], on_progress: OnProgress
) -> tuple[dict[int, str], dict[int, str]]:
    """Return the SHA-256 of each picture, and for those that cannot be read the reason."""
    found, unreadable = {}, {}

    def digest(position: int) -> tuple[str, str]:
        source = collection.read(position)
        if not isinstance(source, Path):
            return hashlib.sha256(source.tobytes()).hexdigest(), ""
        try:
            return file_digest(source), ""
        except OSError as error:
            return "", (error.strerror or "it cannot be read").lower()

    with ThreadPoolExecutor() as pool:
        for done, (position, (sha256, reason)) in enumerate(
            zip(positions, pool.map(digest, positions), strict=True), start=1
        ):
            if reason:
                unreadable[position] = reason
            else:
                found[position] = sha256
            on_progress(Progress("read", done, len(positions)))
    return found, unreadable
