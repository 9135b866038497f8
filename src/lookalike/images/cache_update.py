"""Changing a picture cache: new pictures, new paths, pictures that are gone."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.images.cache import (
    COLUMNS,
    GONE,
    PictureCache,
)
from lookalike.images.cache_files import (
    HEADER,
    PIXELS,
    TABLE,
    write_columns,
    write_header,
    write_pixels_header,
)
from lookalike.storage import replace_directory, storage_errors

__all__ = ["CacheUpdate"]

# The share of a cache's rows that are of pictures, below which it is written anew.
LEAST_USED = 0.5


class CacheUpdate:
    """New pictures, new paths and pictures that are gone, in a cache that stays where it is.

    Nothing counts before `commit`; until then readers see the cache as it was.

    Args:
        cache: the cache as it is.
    """

    def __init__(self, cache: PictureCache) -> None:
        self.cache = cache
        self._columns: dict[str, list[Any]] = {name: list(getattr(cache, name)) for name in COLUMNS}
        self._rows: dict[str, list[int]] = {}
        for row, sha256 in enumerate(cache.sha256):
            self._rows.setdefault(sha256, []).append(row)
        self._row_bytes = int(np.prod(cache.spec.shape))
        header = io.BytesIO()
        self._start = write_pixels_header(header, len(cache), cache.spec)

    def add(self, pixels: NDArray[np.uint8], facts: Sequence[Mapping[str, Any]]) -> None:
        """Add decoded pictures.

        Args:
            pixels: uint8 (M, H, W, C).
            facts: of each, by the names of the table's columns (`COLUMNS`).

        Raises:
            StorageError: the disk is full or may not be written.
        """
        place = self.cache.directory / PIXELS
        with storage_errors(place), place.open("r+b") as file:
            file.seek(self._start + self._row_bytes * len(self._columns["paths"]))
            file.write(np.ascontiguousarray(pixels).tobytes())
            file.flush()
            os.fsync(file.fileno())
        for fact in facts:
            self._rows.setdefault(fact["sha256"], []).append(len(self._columns["paths"]))
            for name in COLUMNS:
                self._columns[name].append(fact[name])

    def lacks(self, sha256: str) -> bool:
        """Whether no row has this content."""
        return sha256 not in self._rows

    def commit(self, wanted: Sequence[Mapping[str, Any]], kept: Sequence[int]) -> None:
        """Give each picture wanted a row of its content; rows of no picture are gone.

        Args:
            wanted: the facts of each picture, as in `add`; those whose content is lacking are
                passed over.
            kept: rows that stay as they are.

        Raises:
            StorageError: the disk is full or may not be written.
        """
        old, taken = self._columns["paths"][:], set(kept)
        unplaced = []
        for fact in wanted:
            rows = self._rows.get(fact["sha256"], [])
            own = [row for row in rows if old[row] == fact["paths"] and row not in taken]
            if own:
                self._set(own[0], fact, taken)
            elif rows:
                unplaced.append(fact)
        for fact in unplaced:
            rows = self._rows[fact["sha256"]]
            free = [row for row in rows if row not in taken]
            if not free:  # a second file of this content: a row of its own
                self.add(self._pixels(rows[0])[None], [fact])
                free = [len(self._columns["paths"]) - 1]
            self._set(free[0], fact, taken)
        for row in set(range(len(self._columns["paths"]))) - taken:
            self._columns["paths"][row] = GONE
        self._write()
        if len(taken) < LEAST_USED * len(self._columns["paths"]):
            self._rewrite(sorted(taken))

    def _rewrite(self, rows: Sequence[int]) -> None:
        """Write the cache anew beside, with these rows only, and rename it into place."""
        directory, spec = self.cache.directory, self.cache.spec
        beside = directory.with_name(directory.name + ".new")
        with storage_errors(directory):
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir()
        try:
            with storage_errors(directory), (beside / PIXELS).open("wb") as file:
                write_pixels_header(file, len(rows), spec)
                for row in rows:
                    file.write(self._pixels(row).tobytes())
                file.flush()
                os.fsync(file.fileno())
            columns = {name: [of[row] for row in rows] for name, of in self._columns.items()}
            write_columns(beside / TABLE, columns)
            write_header(beside / HEADER, self.cache.source, spec, "", list(self.cache.skipped))
            replace_directory(beside, directory)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _set(self, row: int, fact: Mapping[str, Any], taken: set[int]) -> None:
        taken.add(row)
        for name in COLUMNS:
            self._columns[name][row] = fact[name]

    def _pixels(self, row: int) -> NDArray[np.uint8]:
        with (self.cache.directory / PIXELS).open("rb") as file:
            file.seek(self._start + self._row_bytes * row)
            data = np.frombuffer(file.read(self._row_bytes), np.uint8)
        channels, height, width = self.cache.spec.shape
        return data.reshape(height, width, channels)

    def _write(self) -> None:
        directory, spec = self.cache.directory, self.cache.spec
        # It is no longer what decoding the folder would give, row by row.
        write_header(directory / HEADER, self.cache.source, spec, "", list(self.cache.skipped))
        with storage_errors(directory / PIXELS), (directory / PIXELS).open("r+b") as file:
            write_pixels_header(file, len(self._columns["paths"]), spec)
            file.flush()
            os.fsync(file.fileno())
        write_columns(directory / TABLE, self._columns)
