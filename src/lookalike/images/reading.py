"""The bytes of a file, read so that nothing under a picture's name can hang or fill the memory."""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from lookalike.errors import PictureError
from lookalike.images.limits import IntakeLimits
from lookalike.names import name_of_file

__all__ = ["FileBytes", "file_digest", "read_bytes", "read_file"]

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)  # a pipe that nobody writes to would be waited for
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
# The first bytes of AppleDouble: what a Mac leaves beside a file on a disk that is not its own.
_RESOURCE_FORK = b"\x00\x05\x16\x07"


@dataclass(frozen=True)
class FileBytes:
    """What a file held.

    Attributes:
        data: its bytes; empty where there is a problem.
        file: its size in bytes and time of change in ns, from before it was read.
        changed: it was changed meanwhile: `data` may be of two states.
        problem: why it is not taken, in a few words; "" if nothing is wrong.
    """

    data: bytes = field(repr=False)
    file: tuple[int, int]
    changed: bool = False
    problem: str = ""


def read_file(path: str | bytes | Path, limits: IntakeLimits) -> FileBytes:
    """Read a whole file, unless it is none, empty or too large.

    Raises:
        OSError: it cannot be read.
    """
    handle = os.open(path, _FLAGS)
    try:
        before = os.fstat(handle)
        known = (before.st_size, before.st_mtime_ns)
        if not S_ISREG(before.st_mode):
            what = "a directory" if S_ISDIR(before.st_mode) else "not a regular file"
            return FileBytes(b"", known, problem=f"it is {what}")
        if problem := limits.too_large(before.st_size):
            return FileBytes(b"", known, problem=problem)
        data = _read(handle, before.st_size, limits.max_bytes)
        after = os.fstat(handle)
    finally:
        os.close(handle)
    changed = known != (after.st_size, after.st_mtime_ns) or len(data) != after.st_size
    problem = limits.too_large(len(data)) or ("" if data else "the file is empty")
    if data.startswith(_RESOURCE_FORK):
        problem = "it is what a Mac keeps beside a file, not a picture"
    return FileBytes(b"" if problem else data, known, changed, problem)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex, without holding them all.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    with open(os.open(path, _FLAGS), "rb") as file:  # noqa: PTH123 - a handle
        if not S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(handle: int, size: int, most: int) -> bytes:
    """Read on to the end, which may have moved, but not beyond one byte too many."""
    parts, left = [], most + 1
    wanted = size + 1  # one more tells the end without another look
    while left > 0:
        part = os.read(handle, min(wanted, left))
        if not part:
            break
        parts.append(part)
        left -= len(part)
        wanted = max(wanted - len(part), 1 << 16)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_bytes(path: Path, limits: IntakeLimits | None = None) -> bytes:
    """Return the bytes of a file.

    Raises:
        PictureError: the file cannot be read, is none, is empty or is too large.
    """
    try:
        found = read_file(path, limits or IntakeLimits())
    except OSError as error:
        raise PictureError(
            f"cannot read {name_of_file(str(path))}: {(error.strerror or 'error').lower()}"
        ) from error
    if found.problem:
        raise PictureError(f"cannot read {name_of_file(str(path))}: {found.problem}")
    return found.data
