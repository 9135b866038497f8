"""Pictures of the same pixels in different files: found by a digest of what they decode to.

To decode every picture at its full size would take long, so only those are decoded that may be the
same as another. They are of one width and height, and the copies that the engine keeps, decoded
small, are nearly equal: block by block the mean colour is the same up to rounding. Only where one
file is a JPEG and the other is not may more lie between, because a JPEG is decoded at a reduced
scale: for pictures made of nothing but noise, of quality 5, up to 17 of 255 were seen. Digests are
kept on disk by the files' SHA-256, so no picture is decoded a second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.decoded import cached_gallery
from lookalike.engine.files import indexed_bytes, is_file_of_its_own, picture_file
from lookalike.errors import EngineError, PictureError, StorageError
from lookalike.images.content import pixel_digest
from lookalike.images.guarded import can_guard
from lookalike.storage import storage_errors, write_bytes
from lookalike.types import OnProgress, Progress, silent

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts

__all__ = ["SamePixels", "find_same_pixels"]

KEPT = "pixels.parquet"
JPEG = b"\xff\xd8\xff"
# Blocks a side whose mean colours are compared, and how far these may be apart, of 255, as the
# root of the mean square: among files of one kind, and between a JPEG and another.
BLOCKS = 4
ROUNDING = 3.0
REDUCED = 24.0
BYTES_AT_ONCE = 64_000_000
WORKERS = 2  # each may hold a whole picture, several times
AHEAD = 16
# New digests before they are written; of many known ones the file is long, so more of them.
DIGESTS_A_COMMIT = 512


@dataclass(frozen=True)
class SamePixels:
    """What was found.

    Attributes:
        groups: places of pictures of the same pixels, two or more each.
        unread: pictures that would have had to be decoded, and are gone or changed.
    """

    groups: tuple[tuple[int, ...], ...]
    unread: int = 0


def find_same_pixels(
    engine: EngineParts, places: Sequence[int], *, on_progress: OnProgress = silent
) -> SamePixels:
    """Group pictures whose pixels are the same, at full size, upright and in sRGB.

    Args:
        engine: whose gallery it is.
        places: of the pictures that are compared, all of different bytes.
        on_progress: told how many pictures are decoded.
    """
    candidates = _candidates(engine, places)
    digests = _Digests(engine.layout.directory / KEPT)
    unread = _complete(engine, candidates, digests, on_progress)
    groups: dict[str, list[int]] = defaultdict(list)
    for place in candidates:
        digest = digests.get(engine.gallery.sha256[place])
        if digest:
            groups[digest].append(place)
    return SamePixels(tuple(tuple(group) for group in groups.values() if len(group) > 1), unread)


def _complete(
    engine: EngineParts, candidates: Sequence[int], digests: _Digests, on_progress: OnProgress
) -> int:
    """Decode the candidates whose digest is not known; return how many cannot be read."""
    wanted = [place for place in candidates if engine.gallery.sha256[place] not in digests]
    unread = 0

    def digest(place: int) -> str | None:
        try:
            return _digest(engine, place) or ""
        except PictureError:
            return None

    with ThreadPoolExecutor(WORKERS) as pool:
        # A few at a time: who stops the command does not wait for all of them.
        for start in range(0, len(wanted), AHEAD):
            some = wanted[start : start + AHEAD]
            for place, found in zip(some, pool.map(digest, some), strict=True):
                if found is None:
                    unread += 1
                else:
                    digests.add(engine.gallery.sha256[place], found)
            on_progress(Progress("compare pixels", start + len(some), len(wanted)))
    digests.keep()
    return unread


def _digest(engine: EngineParts, place: int) -> str | None:
    """Return the digest of a picture's pixels, made where its codec can do no harm.

    Raises:
        PictureError: it is gone, cannot be decoded or is no longer what was indexed.
    """
    if not can_guard():
        return pixel_digest(indexed_bytes(engine, place), engine.limits)
    gallery = engine.gallery
    return engine.intake.digest(picture_file(engine, gallery.paths[place]), gallery.sha256[place])


def _candidates(engine: EngineParts, places: Sequence[int]) -> list[int]:
    """Return the places, in order, of the pictures that may have the same pixels as another."""
    widths, heights, paths = engine.gallery.widths, engine.gallery.heights, engine.gallery.paths
    sizes: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place in places:
        if is_file_of_its_own(paths[place]):
            sizes[int(widths[place]), int(heights[place])].append(place)
    small = _SmallCopies(engine)
    found: list[int] = []
    for group in sizes.values():
        if len(group) > 1:
            found += small.nearly_equal(np.array(group, np.int64)).tolist()
    return sorted(found)


class _SmallCopies:
    """The pictures as the engine keeps them decoded, by the mean colours of their blocks."""

    def __init__(self, engine: EngineParts) -> None:
        self.engine = engine

    @cached_property
    def _rows(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]] | None:
        try:
            cache, rows = cached_gallery(self.engine)
        except EngineError:
            return None  # then all of one size are decoded
        return cache.pixels, rows

    def nearly_equal(self, group: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of a group of one size that may be the same as another of it."""
        if self._rows is None:
            return group
        pixels, rows = self._rows
        count = max(1, BYTES_AT_ONCE // (4 * int(np.prod(pixels.shape[1:]))))
        means = np.concatenate([_block_means(pixels[rows[some]]) for some in _blocks(group, count)])
        is_jpeg = np.array([self._is_jpeg(place) for place in group.tolist()])
        may = np.zeros(len(group), bool)
        for kind in (is_jpeg, ~is_jpeg):
            may[kind] |= _has_near(means[kind], means[kind], ROUNDING, itself=True)
            may[kind] |= _has_near(means[kind], means[~kind], REDUCED)
        return group[may]

    def _is_jpeg(self, place: int) -> bool:
        """Look into the file, whatever its name says."""
        try:
            with picture_file(self.engine, self.engine.gallery.paths[place]).open("rb") as file:
                return file.read(len(JPEG)) == JPEG
        except OSError:  # it cannot be decoded either
            return False


def _blocks(group: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(group), size):
        yield group[start : start + size]


def _block_means(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return mean colours (N, BLOCKS² · C) of pictures (N, H, W, C), of 255, over √(BLOCKS² · C).

    The distance of two is the root of their mean square difference.
    """
    count, height, width, channels = pixels.shape
    sums = pixels.astype(np.float32)
    for axis, side in ((1, height), (2, width)):
        starts = np.linspace(0, side, BLOCKS + 1).astype(int)[:-1]
        sums = np.add.reduceat(sums, starts, axis=axis)  # a side below 4 repeats its lines
    blocks = BLOCKS * BLOCKS
    means = sums.reshape(count, blocks * channels) * (blocks / (height * width))
    return np.ascontiguousarray(means / np.sqrt(blocks * channels), dtype=np.float32)


def _has_near(
    queries: NDArray[np.float32],
    others: NDArray[np.float32],
    most: float,
    *,
    itself: bool = False,
) -> NDArray[np.bool_]:
    """Return for each query (Q,) whether one of the others, besides itself, is that near."""
    import faiss

    if len(others) <= itself or not len(queries):
        return np.zeros(len(queries), bool)
    squares, _ = faiss.knn(queries, others, 1 + itself, metric=faiss.METRIC_L2)
    return np.asarray(squares[:, -1] <= most**2)


class _Digests:
    """Digests of pixels by the SHA-256 of their files, kept on disk.

    Whatever cannot be read is made again, and what cannot be written is not kept.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self._known = _read(place)
        self._kept = len(self._known)

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._known

    def get(self, sha256: str) -> str | None:
        """Return the digest; "" for a file that is only like files of its own bytes."""
        return self._known.get(sha256)

    def add(self, sha256: str, digest: str) -> None:
        """Take a digest; see `pixel_digest`."""
        self._known[sha256] = digest
        if len(self._known) - self._kept >= max(DIGESTS_A_COMMIT, self._kept // 2):
            self.keep()

    def keep(self) -> None:
        """Write what has come since the last time."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if len(self._known) == self._kept:
            return
        table = pa.table({"sha256": list(self._known), "pixels": list(self._known.values())})
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        try:
            with storage_errors(self.place):
                write_bytes(self.place, sink.getvalue().to_pybytes())
        except (StorageError, OSError):
            return  # the answer was asked for; that the next run is slow again is no failure
        self._kept = len(self._known)


def _read(place: Path) -> dict[str, str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(place)
        return dict(zip(table["sha256"].to_pylist(), table["pixels"].to_pylist(), strict=True))
    except (OSError, KeyError, pa.ArrowInvalid):
        return {}
