"""The states of a gallery that are on the disk, told by their files alone."""

from __future__ import annotations

from pathlib import Path

__all__ = ["count_states", "manifests", "newest_version"]


def manifests(directory: Path) -> dict[int, Path]:
    """Return the file of each state of a gallery by its version, the newest first."""
    found = {}
    for path in (directory / "_versions").glob("*.manifest"):
        if path.stem.isdecimal():
            number = int(path.stem)  # Lance counts down from the largest number, or up
            found[number if number < 2**63 else 2**64 - 1 - number] = path
    return dict(sorted(found.items(), reverse=True))


def newest_version(directory: Path) -> int:
    """Return the version of the newest state of a gallery; 0 where there is none."""
    return next(iter(manifests(directory)), 0)


def count_states(directory: Path) -> int:
    """Return how many states of a gallery there are on the disk."""
    return len(manifests(directory))
