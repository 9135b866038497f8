"""Writing so that a crash leaves the old state or the new one, never half of one."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from lookalike.errors import StorageError

__all__ = [
    "STORAGE_ERRNOS",
    "check_place",
    "move_file",
    "recover",
    "replace_directory",
    "storage_errors",
    "sync_directory",
    "sync_tree",
    "write_bytes",
    "write_text",
]

# Of linux/fcntl.h and linux/fs.h.
AT_FDCWD = -100
RENAME_EXCHANGE = 2

STORAGE_ERRNOS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EEXIST,  # a file where a folder is to be
    errno.ENAMETOOLONG,
}


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn a full disk, a missing permission or an impossible name into a `StorageError`."""
    try:
        yield
    except OSError as error:
        if error.errno not in STORAGE_ERRNOS:
            raise
        where = error.filename or path
        raise StorageError(
            f"cannot write {where}: {(error.strerror or 'error').lower()}; "
            "free space or choose another output, then try again"
        ) from error


def check_place(path: Path) -> None:
    """Say before long work that its file can be written; make the folder for it.

    Raises:
        StorageError: it cannot.
    """
    import tempfile

    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise OSError(errno.EEXIST, "there is a folder of this name", str(path))
        with tempfile.TemporaryFile(dir=path.parent):
            pass


def write_text(path: Path, text: str) -> None:
    """Write a text file, in UTF-8, beside `path`, sync it and rename it into place."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file beside `path`, sync it, rename it into place and sync its name."""
    beside = path.with_name(path.name + ".new")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            sync_directory(path.parent)
        except OSError:
            beside.unlink(missing_ok=True)
            raise


def replace_directory(new: Path, place: Path, *, at_once: bool = True) -> None:
    """Put the directory `new` where `place` is; what was there is deleted last.

    Where the system can exchange two names, `place` is there at every moment. Elsewhere a crash
    between two renames leaves `place.old`, which `recover` brings back.

    Args:
        new: the new directory.
        place: where it is to be.
        at_once: exchange the names if that can be done. After a crash right then the old one is
            at `new`: false is for who would take what is there for new.
    """
    old = place.with_name(place.name + ".old")
    recover(place)  # after a crash, what is to be deleted here would be the only good state
    with storage_errors(place):
        if old.exists():
            shutil.rmtree(old)
        if at_once and place.exists() and _exchange(new, place):
            sync_directory(place.parent)
            new.rename(old)
        else:
            if place.exists():
                place.rename(old)
            new.rename(place)
        sync_directory(place.parent)
        if old.exists():
            shutil.rmtree(old)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two directories at once; return whether that can be done here."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    return bool(rename(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE) == 0)


def recover(place: Path) -> None:
    """Undo a `replace_directory` that a crash cut between its two renames."""
    old = place.parent / f"{place.name}.old"  # the root folder has no name
    with storage_errors(place):
        if old.exists() and not place.exists():
            old.rename(place)


def sync_tree(directory: Path) -> None:
    """Make every file below `directory`, and the folders, survive a loss of power."""
    with storage_errors(directory):
        for path in sorted(directory.rglob("*"), reverse=True):
            if path.is_dir():
                sync_directory(path)
            else:
                with path.open("rb") as file:
                    os.fsync(file.fileno())
        sync_directory(directory)


def sync_directory(directory: Path) -> None:
    """Make the names in a folder survive a loss of power."""
    if os.name != "posix":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def move_file(source: Path, place: Path, sha256: str) -> None:
    """Move a file to a place where nothing is, also to another disk; a crash loses nothing.

    The file is at its new place, on the disk, before it goes from its old one: a crash in between
    leaves it at both. On the way to another disk it is `.lookalike-part` beside `place`, and what
    arrives is read again and compared.

    Args:
        source: the file.
        place: where to; its folder is there.
        sha256: of the file's bytes, in hex.

    Raises:
        FileExistsError: something is at `place`.
        OSError: it cannot be moved; the file is where it was.
    """
    try:
        os.link(source, place, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # another disk, or a file system without links
        _copy_file(source, place, sha256)
    sync_directory(place.parent)
    try:
        source.unlink()
    except OSError:
        place.unlink()
        raise
    sync_directory(source.parent)


def _copy_file(source: Path, place: Path, sha256: str) -> None:
    """Copy a file to a place where nothing is, times and permissions with it."""
    if os.path.lexists(place):
        raise FileExistsError(errno.EEXIST, "something is there already", str(place))
    part = place.with_name(f".lookalike-{os.getpid()}-{secrets.token_hex(4)}.part")
    before = source.stat()
    try:
        with source.open("rb") as reader, part.open("xb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
            writer.flush()
            os.fsync(writer.fileno())
        shutil.copystat(source, part)
        with part.open("rb") as reader:
            if hashlib.file_digest(reader, "sha256").hexdigest() != sha256:
                raise OSError(errno.EIO, "what was copied is not what was read", str(place))
        after = source.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise OSError(errno.EBUSY, "it is being written to", str(source))
        _rename_to_free(part, place)
    finally:
        part.unlink(missing_ok=True)


def _rename_to_free(part: Path, place: Path) -> None:
    """Give a file its name; where that is possible without overwriting what came meanwhile."""
    try:
        os.link(part, place)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(place):
            raise FileExistsError(errno.EEXIST, "something is there", str(place)) from None
        part.rename(place)
