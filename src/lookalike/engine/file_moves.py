"""Moving one file so that nothing is lost, or saying why it stays."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

from lookalike.errors import StorageError
from lookalike.storage import move_file, sync_directory

__all__ = ["FATAL", "Refused", "make_folder", "move_checked", "sha256_of"]

# Nothing more can be moved after one of these.
FATAL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class Refused(Exception):
    """A file is not moved; the message says why."""


def move_checked(source: Path, place: Path, sha256: str) -> None:
    """Move a file whose content is known; see `lookalike.storage.move_file`.

    Raises:
        Refused: it cannot be moved.
        OSError: nothing can.
    """
    try:
        move_file(source, place, sha256)
    except OSError as error:
        if error.errno in FATAL:
            raise
        raise Refused(f"cannot be moved: {(error.strerror or str(error)).lower()}") from error


def make_folder(folder: Path, target: Path | None) -> None:
    """Make a folder, and let it survive a loss of power.

    Args:
        folder: with all above it.
        target: the directory that files are moved to; None where one is put back.

    Raises:
        Refused: it cannot be made.
        StorageError: none can.
    """
    try:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for one in missing:
            sync_directory(one.parent)
    except OSError as error:
        if error.errno in FATAL or target is None:
            raise StorageError(
                f"cannot make {folder}: {(error.strerror or 'error').lower()}"
            ) from error
        raise Refused(f"cannot make {folder}: {(error.strerror or 'error').lower()}") from error


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex.

    Raises:
        Refused: it cannot be read.
    """
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise Refused(f"{file} cannot be read: {(error.strerror or 'error').lower()}") from error
