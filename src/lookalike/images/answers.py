"""What becomes of a file that is to be a picture: its pixels, or why there are none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import PictureError
from lookalike.images.content import pixel_digest
from lookalike.images.crop import Crop, crop
from lookalike.images.decode import decode, thumbnail
from lookalike.images.limits import IntakeLimits
from lookalike.images.opening import Source
from lookalike.images.reading import FileBytes, read_file
from lookalike.images.reasons import reason_of
from lookalike.images.spec import ImageSpec

__all__ = [
    "UNREAD",
    "Answer",
    "Digest",
    "Part",
    "Read",
    "Thumbnail",
    "Wanted",
    "decode_data",
    "decode_file",
]

# What is known of a file that could not be read.
UNREAD = (-1, -1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one file.

    Attributes:
        file: its size in bytes and time of change in ns, from before it was read; `UNREAD` where
            it could not be, or was changed meanwhile.
        size: (width, height) of the original, or of the thumbnail or digest asked for; None where
            it is no picture that can be decoded.
        sha256: of the bytes that were decoded, in hex.
        reason: why it is left out; "" for a picture.
    """

    file: tuple[int, int]
    size: tuple[int, int] | None = None
    sha256: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Thumbnail:
    """A small copy to look at; see `thumbnail`.

    Attributes:
        size: the longest that a side may be, in pixels.
        background: RGB, under transparent pixels.
        enlarge: leave small pictures as they are, if false.
    """

    size: int
    background: tuple[int, int, int] = (255, 255, 255)
    enlarge: bool = True


@dataclass(frozen=True)
class Part:
    """A part of a picture, as one of the others.

    Attributes:
        box: which part.
        wanted: what is made of it.
    """

    box: Crop
    wanted: ImageSpec | Thumbnail


@dataclass(frozen=True)
class Digest:
    """What the whole picture's pixels are, in `pixel_digest`'s bytes: none where it gives none."""


@dataclass(frozen=True, eq=False)
class Read:
    """A picture that was read.

    Attributes:
        pixels: uint8 (H, W, C) of what was wanted; (1, bytes, 1) of a digest.
        size: (width, height) of the original; of what was made where that is a thumbnail, and of
            the part where a part was wanted.
        sha256: of the bytes that were decoded, in hex.
    """

    pixels: NDArray[np.uint8]
    size: tuple[int, int]
    sha256: str


Wanted: TypeAlias = ImageSpec | Thumbnail | Part | Digest


def decode_file(
    path: str | bytes | Path, wanted: Wanted, limits: IntakeLimits
) -> tuple[Answer, NDArray[np.uint8] | None]:
    """Read and decode a file in this process.

    Returns:
        What became of it, and uint8 (H, W, C) for a picture, (1, bytes, 1) for a digest.

    Raises:
        MemoryError: there is too little memory.
    """
    try:
        found = read_file(path, limits)
    except OSError as error:
        return Answer(UNREAD, reason=(error.strerror or "it cannot be read").lower()), None
    if found.problem:
        return Answer(found.file, reason=found.problem), None
    return _answer(found, wanted, limits)


def decode_data(
    data: bytes, wanted: Wanted, limits: IntakeLimits
) -> tuple[Answer, NDArray[np.uint8] | None]:
    """Decode the bytes of a file in this process; see `decode_file`.

    Raises:
        MemoryError: there is too little memory.
    """
    problem = limits.too_large(len(data)) or ("" if data else "the file is empty")
    if problem:
        return Answer(UNREAD, reason=problem), None
    return _answer(FileBytes(data, UNREAD), wanted, limits)


def _answer(
    found: FileBytes, wanted: Wanted, limits: IntakeLimits
) -> tuple[Answer, NDArray[np.uint8] | None]:
    try:
        size, pixels = _decode(found.data, wanted, limits)
    except PictureError as error:
        cause = error.__cause__
        if isinstance(cause, MemoryError):
            raise cause from error
        if found.changed:  # as it is now it may be a picture
            return Answer(UNREAD, reason="it changed while it was read"), None
        reason = reason_of(cause) if isinstance(cause, Exception) else str(error)
        return Answer(found.file, reason=reason), None
    return Answer(found.file, size, hashlib.sha256(found.data).hexdigest()), pixels


def _decode(
    data: bytes, wanted: Wanted, limits: IntakeLimits
) -> tuple[tuple[int, int], NDArray[np.uint8]]:
    """Return (width, height) of the original, or of what was asked for, and the pixels."""
    if isinstance(wanted, Digest):
        found = bytes.fromhex(pixel_digest(data, limits) or "")
        return (len(found), 1), np.frombuffer(found, np.uint8)[None, :, None]
    if isinstance(wanted, Part):
        return _made(crop(data, wanted.box, limits), wanted.wanted, limits)
    return _made(data, wanted, limits)


def _made(
    data: Source, wanted: ImageSpec | Thumbnail, limits: IntakeLimits
) -> tuple[tuple[int, int], NDArray[np.uint8]]:
    if isinstance(wanted, ImageSpec):
        decoded = decode(data, wanted, limits)
        return (decoded.width, decoded.height), decoded.pixels
    pixels = thumbnail(data, wanted.size, wanted.background, enlarge=wanted.enlarge, limits=limits)
    return (pixels.shape[1], pixels.shape[0]), np.ascontiguousarray(pixels)
