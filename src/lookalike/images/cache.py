"""The picture cache: every picture decoded once, as bytes of the training size, memory-mapped."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import CollectionError, LookalikeError, StorageError
from lookalike.images.cache_files import (
    FORMAT_VERSION,
    HEADER,
    PIXELS,
    TABLE,
    write_header,
    write_pixels_header,
    write_table,
)
from lookalike.images.collection import Collection, Skipped
from lookalike.images.decoding import Block, decode_in_order
from lookalike.images.spec import ImageSpec
from lookalike.storage import recover, replace_directory, storage_errors
from lookalike.types import OnProgress, Progress, silent

__all__ = ["FORMAT_VERSION", "PictureCache", "decode_collection", "fresh_cache", "open_cache"]


COLUMNS = (*("paths", "labels", "splits", "widths", "heights", "file_sizes", "modified", "sha256"),)
OnPixels = Callable[[NDArray[np.uint8]], None]
# The path of a row whose picture is gone.
GONE = ""


def _unseen(pixels: NDArray[np.uint8]) -> None:
    """Nobody looks at the pictures while they are decoded."""


@dataclass(frozen=True, eq=False)
class PictureCache:
    """The decoded pictures of a collection, row by row in its order; unreadable ones have no row.

    Attributes:
        directory: holds cache.json, pixels.npy and pictures.parquet.
        spec: what the pictures were decoded to.
        pixels: uint8 (N, H, W, C), memory-mapped, read-only.
        paths: relative to the collection's root.
        labels: weak labels, None where there is none.
        splits: "train", "val", "test" or None.
        widths: int32 (N,), of the originals, in pixels as displayed.
        heights: int32 (N,), of the originals, in pixels as displayed.
        file_sizes: int64 (N,), of the files, in bytes.
        modified: int64 (N,), when the files were last changed, in ns, before they were read.
        sha256: of each file's bytes (of the picture's bytes within an IDX file), in hex.
        skipped: the files that were left out, each with its reason.
        source: what the user named.
    """

    directory: Path
    spec: ImageSpec
    pixels: NDArray[np.uint8]
    paths: tuple[str, ...]
    labels: tuple[str | None, ...]
    splits: tuple[str | None, ...]
    widths: NDArray[np.int32]
    heights: NDArray[np.int32]
    file_sizes: NDArray[np.int64]
    modified: NDArray[np.int64]
    sha256: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    source: str = ""

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {path: position for position, path in enumerate(self.paths) if path != GONE}

    def position(self, path: str) -> int | None:
        """Return the row of `path`, or None if it has none."""
        return self._positions.get(path)

    def rows(self, *splits: str | None) -> NDArray[np.int64]:
        """Return the positions of the pictures of these splits; of all pictures if none is named.

        None stands for "without a split". Pictures that are gone are of none.
        """
        return np.array(
            [
                position
                for position, (path, split) in enumerate(zip(self.paths, self.splits, strict=True))
                if path != GONE and (not splits or split in splits)
            ],
            np.int64,
        )


def decode_collection(
    collection: Collection,
    spec: ImageSpec,
    directory: Path,
    *,
    workers: int | None = None,
    on_pixels: OnPixels = _unseen,
    on_progress: OnProgress = silent,
) -> PictureCache:
    """Decode every picture of a collection once, and keep the result in `directory`.

    A cache that is there already is used again if it was made from the same files (paths, labels,
    splits, sizes and times of change) for the same spec; else it is made anew, beside, and
    renamed into place.

    Args:
        collection: the pictures.
        spec: the size, channels, fit and background wanted.
        directory: where the cache is kept; may not hold anything else.
        workers: how many processes decode; by default one a core.
        on_pixels: given the decoded pictures (n, H, W, C) block after block, in the order of the
            cache's rows, while the next ones are being decoded; not called where a cache is used
            again.
        on_progress: told after each block of pictures, as stage "decode".

    Raises:
        CollectionError: not one of the pictures can be read.
        StorageError: the disk is full, or the place may not be written or holds something else.
    """
    recover(directory)
    key = _freshness_key(collection, spec)
    if _is_fresh(directory, key):
        return open_cache(directory)
    _check_place(directory)
    beside = directory.with_name(directory.name + ".new")
    try:
        with storage_errors(directory):
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
            _write(collection, spec, beside, key, workers, on_pixels, on_progress)
        replace_directory(beside, directory)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return open_cache(directory)


def fresh_cache(collection: Collection, spec: ImageSpec, directory: Path) -> PictureCache | None:
    """Return the cache in `directory` if it is what `decode_collection` would write; else None."""
    fresh = _is_fresh(directory, _freshness_key(collection, spec))
    return open_cache(directory) if fresh else None


def open_cache(directory: Path) -> PictureCache:
    """Open a cache that `decode_collection` made.

    Raises:
        CollectionError: it is missing, damaged, or of another format version.
    """
    import pyarrow.parquet as parquet

    header = _read_header(directory)
    try:
        table = parquet.read_table(directory / TABLE)
        cache = PictureCache(
            directory=directory,
            spec=ImageSpec.from_dict(header["spec"]),
            pixels=np.load(directory / PIXELS, mmap_mode="r", allow_pickle=False),
            paths=tuple(table["paths"].to_pylist()),
            labels=tuple(table["labels"].to_pylist()),
            splits=tuple(table["splits"].to_pylist()),
            widths=table["widths"].to_numpy(),
            heights=table["heights"].to_numpy(),
            file_sizes=table["file_sizes"].to_numpy(),
            modified=table["modified"].to_numpy(),
            sha256=tuple(table["sha256"].to_pylist()),
            skipped=tuple(
                Skipped(one["path"], one["reason"], (one["file"][0], one["file"][1]))
                for one in header["skipped"]
            ),
            source=header["source"],
        )
    except (OSError, KeyError, ValueError, TypeError, LookalikeError) as error:
        raise _damaged(directory) from error
    if cache.pixels.shape[0] < len(cache) or cache.pixels.dtype != np.uint8:
        raise _damaged(directory)
    # An update that was cut short has left pixels behind that no row is of.
    return replace(cache, pixels=cache.pixels[: len(cache)])


def _damaged(directory: Path) -> CollectionError:
    return CollectionError(
        f"the picture cache {directory} is damaged; delete it and run the command again"
    )


def _read_header(directory: Path) -> dict[str, Any]:
    try:
        header = json.loads((directory / HEADER).read_text(encoding="utf-8"))
    except OSError as error:
        raise CollectionError(f"{directory} is not a picture cache: no {HEADER} in it") from error
    except ValueError as error:
        raise _damaged(directory) from error
    version = header.get("format_version") if isinstance(header, dict) else None
    if version != FORMAT_VERSION:
        raise CollectionError(
            f"the picture cache {directory} has format version {version}, wanted {FORMAT_VERSION}; "
            "delete it and run the command again"
        )
    return dict(header)


def _freshness_key(collection: Collection, spec: ImageSpec) -> str:
    """Digest everything that decides what the cache holds, but for the bytes of the pictures."""
    digest = hashlib.sha256(json.dumps([FORMAT_VERSION, spec.as_dict(), collection.kind]).encode())
    stat_of = lru_cache(collection.stat_of)  # an IDX file holds many pictures
    for position, picture in enumerate(collection.pictures):
        file = stat_of(collection.file_of(position))
        digest.update(repr((picture.path, picture.label, picture.split, *file)).encode())
    if not collection.limits.are_default:
        digest.update(repr(collection.limits).encode())
    digest.update(repr([(item.path, item.reason) for item in collection.skipped]).encode())
    return digest.hexdigest()


def _is_fresh(directory: Path, key: str) -> bool:
    try:
        return _read_header(directory).get("key") == key and len(open_cache(directory)) > 0
    except CollectionError:
        return False


def _check_place(directory: Path) -> None:
    """Refuse to replace a folder that is not a cache: it may be somebody's pictures."""
    if not directory.exists() or (directory / HEADER).is_file():
        return
    if not directory.is_dir() or any(directory.iterdir()):
        raise StorageError(
            f"{directory} holds something that is not a picture cache; choose another place"
        )


def _write(
    collection: Collection,
    spec: ImageSpec,
    directory: Path,
    key: str,
    workers: int | None,
    on_pixels: OnPixels,
    on_progress: OnProgress,
) -> None:
    blocks, done = [], 0
    with (directory / PIXELS).open("wb") as file:
        start = write_pixels_header(file, len(collection), spec)
        on_progress(Progress("decode", 0, len(collection)))
        for block in decode_in_order(collection, spec, workers):
            file.write(block.pixels.data)
            on_pixels(block.pixels)
            blocks.append(_without_pixels(block))
            done += block.seen
            on_progress(Progress("decode", done, len(collection)))
        rows = sum(len(block.positions) for block in blocks)
        file.seek(0)
        if write_pixels_header(file, rows, spec) != start:
            raise StorageError(f"cannot write {directory / PIXELS}: its header changed its length")
        file.flush()
        os.fsync(file.fileno())
    skipped = [*collection.skipped, *(item for block in blocks for item in block.skipped)]
    if not rows:
        raise CollectionError(
            f"{collection.source}: not one of its {len(collection)} pictures can be read; "
            f"{len(skipped)} skipped, the first is {skipped[0].path} ({skipped[0].reason})"
        )
    write_table(directory / TABLE, collection, blocks)
    write_header(directory / HEADER, collection.source, spec, key, skipped)


def _without_pixels(block: Block) -> Block:
    """Drop the pixels, which are on disk now: the rest is kept until the end."""
    return Block(
        block.positions,
        block.pixels[:0].copy(),
        block.sizes,
        block.files,
        block.sha256,
        block.skipped,
        block.seen,
    )
