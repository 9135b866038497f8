"""Pictures found, not yet read: a folder, a list, IDX files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import CollectionError
from lookalike.images.limits import IntakeLimits
from lookalike.images.places import Places
from lookalike.names import file_of_name
from lookalike.walking import Split

__all__ = ["Collection", "Kind", "Picture", "Skipped", "Split"]

Kind = Literal["folder", "list", "idx"]


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a collection.

    Attributes:
        path: relative to the collection's root, with forward slashes, as `name_of_file` writes it;
            "t10k-images-idx3-ubyte.gz#17" is picture 17, from 0, of an IDX file.
        label: its weak label (the name of its folder, a list's or an IDX file's), if any.
        split: "train", "val", "test", or None where the collection knows no splits.
    """

    path: str
    label: str | None = None
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out.

    Attributes:
        path: relative to the collection's root, as `name_of_file` writes it.
        reason: why, in a few words.
        file: size in bytes and time of change in ns of what is no picture: while they stay, it is
            none. (-1, -1) where it could not even be read.
    """

    path: str
    reason: str
    file: tuple[int, int] = (-1, -1)


@dataclass(frozen=True, eq=False)
class Collection:
    """Pictures of one source, in a fixed order; nothing is decoded before it is asked for.

    Attributes:
        root: the folder that the paths are relative to.
        source: what the user named.
        kind: "folder", "list" or "idx".
        pictures: what was found.
        skipped: what was left out while looking.
        arrays: for "idx", the pictures of each file, uint8 (N, H, W) or (N, H, W, 3), by its name.
        folders: further folders by name; their pictures' paths begin with it.
        limits: what one picture may cost.
    """

    root: Path
    source: str
    kind: Kind
    pictures: tuple[Picture, ...]
    skipped: tuple[Skipped, ...] = ()
    arrays: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict, repr=False)
    folders: Mapping[str, Path] = field(default_factory=dict)
    limits: IntakeLimits = field(default_factory=IntakeLimits)

    def __post_init__(self) -> None:
        if not self.pictures:
            raise CollectionError(self._nothing())

    def _nothing(self) -> str:
        if self.skipped:
            first = self.skipped[0]
            return (
                f"{self.source} holds no picture that can be used: {len(self.skipped)} skipped, "
                f"the first is {first.path} ({first.reason})"
            )
        return (
            f"{self.source} holds no picture: wanted JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF "
            "files, a list of them, or IDX files named as MNIST's"
        )

    def __len__(self) -> int:
        return len(self.pictures)

    @cached_property
    def places(self) -> Places:
        """Where the pictures lie."""
        return Places(self.root, self.folders)

    @property
    def labels(self) -> tuple[str | None, ...]:
        """The label of each picture."""
        return tuple(picture.label for picture in self.pictures)

    @property
    def splits(self) -> tuple[Split | None, ...]:
        """The split of each picture."""
        return tuple(picture.split for picture in self.pictures)

    def read(self, position: int) -> Path | NDArray[np.uint8]:
        """Return what `decode` takes for the picture at `position`."""
        path = self.pictures[position].path
        if self.kind != "idx":
            return self.places.file(path)
        name, row = self.idx_row(position)
        picture: NDArray[np.uint8] = self.arrays[name][row]
        return picture

    def idx_row(self, position: int) -> tuple[str, int]:
        """Return the IDX file's name and the picture's place in it."""
        name, _, row = self.pictures[position].path.rpartition("#")
        return name, int(row)

    def stat(self, position: int) -> tuple[int, int]:
        """Return the size in bytes and the time of change in ns of the picture's file.

        A file that is gone has (-1, -1).
        """
        return self.stat_of(self.file_of(position))

    def file_of(self, position: int) -> str:
        """Return the path of the picture's file; an IDX file holds many pictures."""
        path = self.pictures[position].path
        return path.rpartition("#")[0] if self.kind == "idx" else path

    def stat_of(self, file: str) -> tuple[int, int]:
        """Return what `stat` gives of a file, by its path."""
        try:
            # Not `Path.stat`: this is much quicker.
            own = file_of_name(file)
            place = self.places.file(file) if self.folders else os.path.join(self.root, own)  # noqa: PTH118
            status = os.stat(place)  # noqa: PTH116
        except OSError:
            return -1, -1
        return status.st_size, status.st_mtime_ns

    def select(self, *splits: Split | None) -> Collection:
        """Return the collection of the pictures of these splits; None is "without a split".

        Raises:
            CollectionError: there is no such picture.
        """
        chosen = tuple(picture for picture in self.pictures if picture.split in splits)
        if not chosen:
            names = ", ".join(str(split) for split in splits)
            raise CollectionError(f"{self.source} holds no picture of the split {names}")
        return replace(self, pictures=chosen)

    def with_pictures(self, pictures: Iterable[Picture], source: str | None = None) -> Collection:
        """Return the same collection with other labels, splits or fewer pictures."""
        changes: dict[str, Any] = {"pictures": tuple(pictures), "source": source or self.source}
        return replace(self, **changes)
