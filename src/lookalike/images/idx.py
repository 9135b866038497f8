"""IDX files, the format of MNIST: one array of bytes in a file, gzipped or not."""

from __future__ import annotations

import gzip
import hashlib
import math
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import CollectionError
from lookalike.storage import storage_errors
from lookalike.walking import IDX_IMAGES, Split

__all__ = [
    "idx_digest",
    "is_idx",
    "labels_file",
    "read_idx",
    "read_idx_images",
    "split_of",
    "write_idx",
]

_UBYTE = 0x08
_GZIP = b"\x1f\x8b"
_SPLITS: dict[str, Split] = {"train": "train", "t10k": "test", "test": "test"}


def is_idx(path: Path) -> bool:
    """Tell by its first bytes whether a file is an IDX file, gzipped or not."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
        if head[:2] == _GZIP:
            with gzip.open(path) as file:
                head = file.read(4)
    except (OSError, EOFError, zlib.error):
        return False
    return len(head) == 4 and head[:3] == bytes([0, 0, _UBYTE]) and 1 <= head[3] <= 4


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Return the array of an IDX file of unsigned bytes, read-only.

    A file that is not gzipped is memory-mapped.

    Raises:
        CollectionError: it cannot be read, is not such a file, or is cut short.
    """
    with _reading(path), path.open("rb") as file:
        zipped = file.read(2) == _GZIP
    if zipped:
        with _reading(path), gzip.open(path) as file:
            data: NDArray[np.uint8] = np.frombuffer(file.read(), np.uint8)
    else:
        with _reading(path):  # an empty file cannot be mapped
            data = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
    shape = _shape(path, data)
    return data[4 + 4 * len(shape) :].reshape(shape)


def _shape(path: Path, data: NDArray[np.uint8]) -> tuple[int, ...]:
    head = data[:20].tobytes()
    if len(head) < 8 or head[:3] != bytes([0, 0, _UBYTE]) or not 1 <= head[3] <= 4:
        raise CollectionError(
            f"{path} is not an IDX file of bytes: it begins with {head[:4].hex(' ')}, "
            "wanted 00 00 08 and the number of dimensions"
        )
    start = 4 + 4 * head[3]
    if len(head) < start:
        raise CollectionError(f"{path} is cut short within its header")
    shape: tuple[int, ...] = struct.unpack(f">{head[3]}I", head[4:start])
    if math.prod(shape) != len(data) - start:
        raise CollectionError(
            f"{path} is damaged: its header promises {' × '.join(map(str, shape))} = "
            f"{math.prod(shape):,} bytes, it holds {len(data) - start:,}"
        )
    return shape


def read_idx_images(path: Path) -> NDArray[np.uint8]:
    """Return the pictures of an IDX file: (N, H, W), or (N, H, W, 3) for RGB.

    Raises:
        CollectionError: the file is not one of pictures.
    """
    images = read_idx(path)
    grey, colour = images.ndim == 3, images.ndim == 4 and images.shape[3] == 3
    if not (grey or colour) or 0 in images.shape[1:]:
        raise CollectionError(
            f"{path} holds an array of shape {images.shape}, "
            "wanted pictures: (N, height, width) or (N, height, width, 3)"
        )
    return images


def labels_file(images: Path) -> Path | None:
    """Return the file of labels beside a file of pictures, found by its name."""
    name = re.sub(r"idx[34]", "idx1", images.name.replace("images", "labels"))
    stem = name.removesuffix(".gz")
    for candidate in (name, stem, f"{stem}.gz"):
        path = images.with_name(candidate)
        if path.name != images.name and path.is_file():
            return path
    return None


def split_of(path: Path) -> Split | None:
    """Return the split that the name of an IDX file of pictures speaks of."""
    match = IDX_IMAGES.fullmatch(path.name)
    return _SPLITS[match[1]] if match else None


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    """Write an array of unsigned bytes as an IDX file, gzipped if its name ends in .gz.

    Raises:
        CollectionError: the array is not uint8 of one to four dimensions.
        StorageError: the disk is full, or the place may not be written.
    """
    if array.dtype != np.uint8 or not 1 <= array.ndim <= 4:
        raise CollectionError(
            f"an IDX file holds uint8 of 1 to 4 dimensions, got {array.dtype} of {array.ndim}"
        )
    data = struct.pack(f">4B{array.ndim}I", 0, 0, _UBYTE, array.ndim, *array.shape)
    data += array.tobytes()
    with storage_errors(path):
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def idx_digest(path: Path) -> str:
    """Return the SHA-256 of what an IDX file holds, in hex, unzipped: gzip keeps dates and names.

    Raises:
        CollectionError: the file cannot be read.
    """
    with _reading(path):
        data = path.read_bytes()
        return hashlib.sha256(gzip.decompress(data) if data[:2] == _GZIP else data).hexdigest()


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Make whatever reading raises a `CollectionError` of one line."""
    try:
        yield
    except (OSError, EOFError, ValueError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or "it is cut short"
        raise CollectionError(f"cannot read {path}: {reason.lower()}") from error
