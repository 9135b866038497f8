"""The states of a gallery that can be gone back to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lookalike.gallery.store import open_state
from lookalike.gallery.versions import manifests

__all__ = ["GalleryVersion", "list_versions", "states_of"]


@dataclass(frozen=True)
class GalleryVersion:
    """One state of a gallery.

    Attributes:
        version: its number.
        time: when it was committed, UTC.
        pictures: how many it holds.
    """

    version: int
    time: datetime
    pictures: int


def list_versions(directory: Path) -> list[GalleryVersion]:
    """Return the states of a gallery that can be gone back to, the oldest first; changes nothing.

    Raises:
        GalleryError: it cannot be read.
    """
    import lance

    newest = open_state(directory).version
    try:
        return states_of(lance.dataset(str(directory), version=newest))
    except (OSError, ValueError, RuntimeError):  # one of them is half written, or just now is
        return [
            GalleryVersion(version, datetime.fromtimestamp(path.stat().st_mtime, UTC), pictures)
            for version, path in reversed(manifests(directory).items())
            if (pictures := _count(directory, version)) is not None
        ]


def _count(directory: Path, version: int) -> int | None:
    """Return the number of pictures of a state; None where it cannot be read."""
    import lance

    try:
        return int(lance.dataset(str(directory), version=version).count_rows())
    except (OSError, ValueError, RuntimeError):
        return None


def states_of(dataset: Any) -> list[GalleryVersion]:  # noqa: ANN401 - untyped library
    """Return the states of an opened dataset, the oldest first."""
    found = []
    for one in dataset.versions():
        time = one["timestamp"].astimezone(UTC)
        pictures = int(one["metadata"].get("total_rows", 0))
        found.append(GalleryVersion(int(one["version"]), time, pictures))
    return found
