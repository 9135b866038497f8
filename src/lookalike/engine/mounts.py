"""Disks that are mounted in an engine's folders, and that may be away."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection as Collection_
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from lookalike.images import Collection, Skipped

__all__ = ["AWAY", "NOT_MOUNTED", "mounted_folders", "why_away", "without_mounts_away"]

AWAY = "the folder is not there; is its disk mounted?"
NOT_MOUNTED = "another disk was mounted here, and is not now"


def why_away(folder: Path) -> str:
    """Return why nothing can be said of what a folder holds; "" where it is there."""
    try:
        return "" if stat.S_ISDIR(os.stat(folder).st_mode) else "it is no folder"  # noqa: PTH116
    except FileNotFoundError:
        return AWAY
    except OSError as error:  # no permission, or a network disk that is not connected
        return (error.strerror or "it cannot be read").lower()


def mounted_folders(collection: Collection) -> list[str]:
    """Return the folders with pictures, by their paths, in which another disk is mounted."""
    if collection.kind == "idx":
        return []
    device = lru_cache(None)(_device)
    places = collection.places

    def is_mount(folder: str) -> bool:
        above = folder.rpartition("/")[0]
        return device(places.file(folder)) != device(places.file(above) if above else places.root)

    seen = {one.path.rpartition("/")[0] for one in collection.pictures}
    above = {parent for folder in seen for parent in _with_parents(folder)}
    return sorted(one for one in above - {*collection.folders} if is_mount(one))


def without_mounts_away(
    collection: Collection, mounts: Sequence[str], dropped: Sequence[str], known: Collection_[str]
) -> Collection:
    """Mark the folders in which a disk was mounted that is away, so that nothing is taken for gone.

    What lies there instead is left out.

    Args:
        collection: what is there.
        mounts: folders in which another disk was mounted.
        dropped: folders that a person says are gone.
        known: paths of the gallery.
    """
    gone = tuple(f"{name}/" for name in dropped)
    asked = [one for one in mounts if one not in dropped and not one.startswith(gone)]
    if not asked:
        return collection
    there = {one.path for one in collection.pictures} & set(known)
    away = [one for one in asked if _is_away(collection, one, there)]
    if not away:
        return collection
    below = tuple(f"{one}/" for one in away)  # what lies there now is not of that disk
    return replace(
        collection,
        pictures=tuple(one for one in collection.pictures if not one.path.startswith(below)),
        skipped=(*collection.skipped, *(Skipped(one, NOT_MOUNTED) for one in away)),
    )


def _is_away(collection: Collection, mount: str, there: Collection_[str]) -> bool:
    """Whether no disk is mounted where one was; a stray file in its place is no disk."""
    if any(path.startswith(f"{mount}/") for path in there):
        return False
    here = collection.places.file(mount)
    return bool(why_away(here)) or _device(here) == _device(here.parent)


def _with_parents(folder: str) -> Iterator[str]:
    while folder and folder != "/":
        yield folder
        folder = folder.rpartition("/")[0]


def _device(folder: Path) -> int | None:
    try:
        return os.stat(folder).st_dev  # noqa: PTH116 - much quicker
    except OSError:
        return None
