"""Decode a whole collection, in order, on several threads."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import PictureError
from lookalike.images.collection import Collection, Skipped
from lookalike.images.decode import decode, read_bytes
from lookalike.images.spec import ImageSpec

__all__ = ["Block", "decode_in_order"]

_BLOCK_BYTES = 8_000_000
_MOST_PICTURES = 64
_COPIED = 4096


@dataclass(frozen=True, eq=False)
class Block:
    """Some neighbouring pictures of a collection, decoded.

    Attributes:
        positions: in the collection, of those that could be read.
        pixels: uint8 (n, H, W, C), as many as positions.
        sizes: (width, height) of the originals.
        files: (size in bytes, time of change in ns) of each file, from before it was read.
        sha256: of each file's bytes, or of the picture's bytes within an IDX file, in hex.
        skipped: those that could not be read.
        seen: how many pictures this block was made from.
    """

    positions: tuple[int, ...]
    pixels: NDArray[np.uint8]
    sizes: tuple[tuple[int, int], ...]
    files: tuple[tuple[int, int], ...]
    sha256: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    seen: int


def decode_in_order(
    collection: Collection, spec: ImageSpec, workers: int | None = None
) -> Iterator[Block]:
    """Decode every picture of a collection; blocks come in the collection's order.

    Threads, not processes: Pillow decodes without holding Python's lock, so that threads measure
    as fast (`benchmarks/decode_workers.py`), start at once and copy nothing.

    Args:
        collection: the pictures.
        spec: the size, channels, fit and background wanted.
        workers: how many threads; by default one a core. 1 decodes in the calling thread.
    """
    if workers is None:
        workers = _cores()
    if _fits(collection, spec):
        yield from _copy_arrays(collection, spec)
    elif workers <= 1:
        for chunk in _chunks(len(collection), _chunk_length(spec)):
            yield _decode_block(collection, spec, chunk)
    else:
        yield from _decode_on_threads(collection, spec, workers)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _chunk_length(spec: ImageSpec) -> int:
    fitting = _BLOCK_BYTES // (spec.height * spec.width * spec.channels)
    return min(max(1, fitting), _MOST_PICTURES)


def _chunks(total: int, length: int) -> Iterator[range]:
    for start in range(0, total, length):
        yield range(start, min(start + length, total))


def _decode_on_threads(collection: Collection, spec: ImageSpec, workers: int) -> Iterator[Block]:
    """Keep a few blocks a worker under way, no more: decoded pictures must not fill the memory."""
    waiting: deque[Future[Block]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        try:
            for chunk in _chunks(len(collection), _chunk_length(spec)):
                waiting.append(pool.submit(_decode_block, collection, spec, chunk))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _decode_block(collection: Collection, spec: ImageSpec, chunk: range) -> Block:
    positions: list[int] = []
    sizes: list[tuple[int, int]] = []
    files: list[tuple[int, int]] = []
    digests: list[str] = []
    skipped: list[Skipped] = []
    pixels = np.empty((len(chunk), spec.height, spec.width, spec.channels), np.uint8)
    for position in chunk:
        file, was_read = collection.stat(position), False
        try:
            source = collection.read(position)
            data = read_bytes(source) if isinstance(source, Path) else source
            was_read = True
            decoded = decode(data, spec)
        except PictureError as error:
            reason = str(error).partition(": ")[2] or str(error)
            path = collection.pictures[position].path
            skipped.append(Skipped(path, reason, file) if was_read else Skipped(path, reason))
            continue
        pixels[len(positions)] = decoded.pixels
        positions.append(position)
        sizes.append((decoded.width, decoded.height))
        files.append(file)
        digests.append(_digest(data))
    return Block(
        tuple(positions),
        pixels[: len(positions)],
        tuple(sizes),
        tuple(files),
        tuple(digests),
        tuple(skipped),
        len(chunk),
    )


def _digest(data: bytes | NDArray[np.uint8]) -> str:
    if not isinstance(data, bytes):
        data = data.tobytes()
    return hashlib.sha256(data).hexdigest()


def _fits(collection: Collection, spec: ImageSpec) -> bool:
    """Whether the pictures lie in memory in the wanted size: nothing is left to decode."""
    return collection.kind == "idx" and all(
        array.shape[1:3] == (spec.height, spec.width) and array.shape[3:] in ((), (spec.channels,))
        for array in collection.arrays.values()
    )


def _copy_arrays(collection: Collection, spec: ImageSpec) -> Iterator[Block]:
    stat_of = lru_cache(collection.stat_of)  # a file holds many pictures
    for chunk in _chunks(len(collection), _COPIED):
        places = [collection.idx_row(position) for position in chunk]
        parts = list(_gather(collection, places))
        yield Block(
            tuple(chunk),
            np.concatenate([_with_channels(part, spec.channels) for part in parts]),
            ((spec.width, spec.height),) * len(chunk),
            tuple(stat_of(name) for name, _ in places),
            tuple(_digest(picture) for part in parts for picture in part),
            (),
            len(chunk),
        )


def _gather(
    collection: Collection, places: Sequence[tuple[str, int]]
) -> Iterator[NDArray[np.uint8]]:
    """Give the pictures at these (file, row) places, in their order, a file at a time."""
    for name, group in groupby(places, key=itemgetter(0)):
        yield collection.arrays[name][[row for _, row in group]]


def _with_channels(pictures: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Return (N, H, W, channels) of pictures (N, H, W), grey in every channel, or of all C."""
    if pictures.ndim == 4:
        return pictures
    return pictures[..., None].repeat(channels, axis=3)
