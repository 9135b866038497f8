"""Decode a whole collection, in order, several pictures at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import PictureError
from lookalike.images.answers import Answer, decode_file
from lookalike.images.block import Block
from lookalike.images.collection import Collection, Skipped
from lookalike.images.decode import decode
from lookalike.images.guarded import Intake, can_guard
from lookalike.images.spec import ImageSpec
from lookalike.ordered import in_order, usable_cores

__all__ = ["Block", "decode_in_order", "decode_unguarded"]

_BLOCK_BYTES = 8_000_000
_MOST_PICTURES = 64
_COPIED = 4096


def decode_in_order(
    collection: Collection,
    spec: ImageSpec,
    workers: int | None = None,
    *,
    intake: Intake | None = None,
) -> Iterator[Block]:
    """Decode every picture of a collection; blocks come in the collection's order.

    Files are decoded in processes of their own (see `guarded`), so that none of them can take this
    one down; IDX files, which need no codec, here.

    Args:
        collection: the pictures.
        spec: the size, channels, fit and background wanted.
        workers: how many processes; by default one a core.
        intake: processes that are there already, of the collection's limits; they are kept,
            unless the blocks are not all asked for.

    Raises:
        IntakeError: no process can be started.
    """
    if collection.kind == "idx" or not can_guard():
        yield from decode_unguarded(collection, spec, workers)
    elif intake is not None:
        yield from _decode_guarded(collection, spec, workers or usable_cores(), intake)
    else:
        with Intake(collection.limits) as own:
            yield from _decode_guarded(collection, spec, workers or usable_cores(), own)


def decode_unguarded(
    collection: Collection, spec: ImageSpec, workers: int | None = None
) -> Iterator[Block]:
    """Decode every picture of a collection in this process, on threads; see `decode_in_order`.

    Of the limits, time and memory are not looked after.

    Args:
        collection: the pictures.
        spec: the size, channels, fit and background wanted.
        workers: how many threads; by default one a core. 1 decodes in the calling thread.
    """
    if _fits(collection, spec):
        yield from _copy_arrays(collection, spec)
        return
    decode_block = partial(_decode_block, collection, spec)
    yield from in_order(decode_block, _chunks(len(collection), spec), workers or usable_cores())


def _decode_guarded(
    collection: Collection, spec: ImageSpec, workers: int, intake: Intake
) -> Iterator[Block]:
    def decode_block(chunk: range) -> Block:
        files = [collection.read(position) for position in chunk]
        paths = [file for file in files if isinstance(file, Path)]
        pixels = _room(len(chunk), spec)
        return _block(collection, chunk, intake.decode(paths, spec, pixels), pixels)

    yield from in_order(decode_block, _chunks(len(collection), spec), workers, intake.close)


def _chunks(total: int, spec: ImageSpec) -> Iterator[range]:
    fitting = _BLOCK_BYTES // (spec.height * spec.width * spec.channels)
    yield from _ranges(total, min(max(1, fitting), _MOST_PICTURES))


def _ranges(total: int, length: int) -> Iterator[range]:
    for start in range(0, total, length):
        yield range(start, min(start + length, total))


def _decode_block(collection: Collection, spec: ImageSpec, chunk: range) -> Block:
    answers: list[Answer] = []
    pixels, rows = _room(len(chunk), spec), 0
    for position in chunk:
        answer, picture = _decode_one(collection, position, spec)
        answers.append(answer)
        if picture is not None:
            pixels[rows] = picture
            rows += 1
    return _block(collection, chunk, answers, pixels)


def _decode_one(
    collection: Collection, position: int, spec: ImageSpec
) -> tuple[Answer, NDArray[np.uint8] | None]:
    source = collection.read(position)
    if isinstance(source, Path):
        return decode_file(source, spec, collection.limits)
    file = collection.stat(position)
    try:
        decoded = decode(source, spec, collection.limits)
    except PictureError as error:
        return Answer(file, reason=str(error).partition(": ")[2] or str(error)), None
    return Answer(file, (decoded.width, decoded.height), _digest(source)), decoded.pixels


def _room(count: int, spec: ImageSpec) -> NDArray[np.uint8]:
    return np.empty((count, spec.height, spec.width, spec.channels), np.uint8)


def _block(
    collection: Collection, chunk: range, answers: Sequence[Answer], pixels: NDArray[np.uint8]
) -> Block:
    good = [at for at, answer in enumerate(answers) if answer.size is not None]
    return Block(
        tuple(chunk[at] for at in good),
        pixels[: len(good)],
        tuple(size for answer in answers if (size := answer.size) is not None),
        tuple(answers[at].file for at in good),
        tuple(answers[at].sha256 for at in good),
        tuple(
            Skipped(collection.pictures[position].path, answer.reason, answer.file)
            for position, answer in zip(chunk, answers, strict=True)
            if answer.size is None
        ),
        len(chunk),
    )


def _digest(picture: NDArray[np.uint8]) -> str:
    return hashlib.sha256(picture.tobytes()).hexdigest()


def _fits(collection: Collection, spec: ImageSpec) -> bool:
    """Whether the pictures lie in memory in the wanted size: nothing is left to decode."""
    return collection.kind == "idx" and all(
        array.shape[1:3] == (spec.height, spec.width) and array.shape[3:] in ((), (spec.channels,))
        for array in collection.arrays.values()
    )


def _copy_arrays(collection: Collection, spec: ImageSpec) -> Iterator[Block]:
    stat_of = lru_cache(collection.stat_of)  # a file holds many pictures
    for chunk in _ranges(len(collection), _COPIED):
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
