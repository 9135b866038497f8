"""The files that could not be read: kept with what they were like, so as not to try them again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lookalike.engine.manifest import Layout
from lookalike.images import Collection, Skipped
from lookalike.storage import write_text

__all__ = ["SkippedFile", "keep_skipped", "read_skipped", "skipped_files"]


@dataclass(frozen=True)
class SkippedFile:
    """Why a file could not be read, and what it was like then.

    Attributes:
        reason: why it could not.
        file: size in bytes and time of change in ns; while they stay, it is not tried again.
    """

    reason: str
    file: tuple[int, int]


def skipped_files(collection: Collection, skipped: Iterable[Skipped]) -> dict[str, SkippedFile]:
    """Return files that were left out, by path, with what they are like now."""
    return {one.path: SkippedFile(one.reason, collection.stat_of(one.path)) for one in skipped}


def keep_skipped(layout: Layout, skipped: Mapping[str, SkippedFile]) -> None:
    """Write which files could not be read, and why; the cache that knows it may be deleted."""
    listed = [
        {"path": path, "reason": one.reason, "file": one.file} for path, one in skipped.items()
    ]
    write_text(layout.skipped, json.dumps(listed, indent=1) + "\n")


def read_skipped(layout: Layout) -> dict[str, SkippedFile]:
    """Return what `keep_skipped` wrote; nothing where that is gone or damaged."""
    try:
        listed = json.loads(layout.skipped.read_text(encoding="utf-8"))
        return {
            one["path"]: SkippedFile(one["reason"], (int(one["file"][0]), int(one["file"][1])))
            for one in listed
        }
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return {}
