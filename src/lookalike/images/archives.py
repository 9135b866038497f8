"""Unpack archives that somebody else made: nothing may land outside the folder it is meant for."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from lookalike.errors import DatasetError
from lookalike.storage import replace_directory, storage_errors

__all__ = ["Keep", "unpack"]

Keep = Callable[[PurePosixPath], "str | None"]
"""Says under which relative path a member of an archive is kept; None leaves it out."""

_MOST_BYTES = 20_000_000_000
_AR = b"!<arch>\n"
_BAD_DATA = (
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


def unpack(archive: Path, into: Path, keep: Keep) -> None:
    """Unpack a zip, a tar (plain, gz, bz2 or xz) or a Debian package; `into` is replaced.

    Only regular files are unpacked: links and devices are left out. A member whose path leads out
    of the archive makes the whole archive refused. `into` appears complete or not at all.

    Raises:
        DatasetError: it is not such an archive, is damaged, unsafe, or holds nothing to keep.
        StorageError: the disk is full, or the place may not be written.
    """
    beside = into.with_name(into.name + ".new")
    try:
        with storage_errors(into):
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
            _unpack(archive, _Folder(beside, keep))
        if not any(beside.iterdir()):
            raise DatasetError(f"{archive} holds none of the files that were wanted")
        replace_directory(beside, into)
    except _BAD_DATA as error:
        raise DatasetError(f"{archive} is damaged: {_first_line(error)}") from error
    except OSError as error:
        raise DatasetError(f"cannot read {archive}: {_first_line(error)}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


class _Folder:
    """Where members go: safely named, wanted ones only, and not without end."""

    def __init__(self, place: Path, keep: Keep) -> None:
        self.place, self.keep, self.left = place, keep, _MOST_BYTES

    def target(self, member: str, size: int) -> Path | None:
        path = PurePosixPath(member.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in member[:2]:
            raise DatasetError(
                f"the archive is not safe: {member!r} leads out of it; nothing was kept"
            )
        kept = self.keep(path)
        if kept is None:
            return None
        self.left -= size
        if self.left < 0:
            raise DatasetError(
                f"the archive would unpack to more than {_MOST_BYTES // 10**9} GB; nothing was kept"
            )
        target = self.place / kept
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


def _unpack(archive: Path, folder: _Folder) -> None:
    with archive.open("rb") as file:
        head = file.read(8)
    if head == _AR:
        with tarfile.open(fileobj=io.BytesIO(_debian_data(archive))) as tar:
            _unpack_tar(tar, folder)
    elif zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as bundle:
            _unpack_zip(bundle, folder)
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tar:
            _unpack_tar(tar, folder)
    else:
        raise DatasetError(f"{archive} is not an archive: wanted a zip, a tar or a .deb file")


def _unpack_tar(tar: tarfile.TarFile, folder: _Folder) -> None:
    for member in tar:
        name = member.name.removeprefix("./")
        target = folder.target(name, member.size) if member.isreg() else None
        content = tar.extractfile(member) if target else None
        if target and content:
            with content, target.open("wb") as file:
                shutil.copyfileobj(content, file, 1 << 20)


def _unpack_zip(bundle: zipfile.ZipFile, folder: _Folder) -> None:
    for member in bundle.infolist():
        linked = stat.S_ISLNK(member.external_attr >> 16)
        if member.is_dir() or linked:
            continue
        target = folder.target(member.filename, member.file_size)
        if target:
            with bundle.open(member) as content, target.open("wb") as file:
                shutil.copyfileobj(content, file, 1 << 20)


def _debian_data(package: Path) -> bytes:
    """Return the tar within a Debian package, decompressed.

    A package is an `ar` archive: after a magic line, members of a 60-byte header (name 16, ...,
    size 10 at offset 48) and their bytes, each begun at an even offset.
    """
    data, start = package.read_bytes(), len(_AR)
    while start + 60 <= len(data):
        name = data[start : start + 16].decode("ascii", "replace").strip().rstrip("/")
        size = int(data[start + 48 : start + 58])
        content = data[start + 60 : start + 60 + size]
        if name.startswith("data.tar"):
            return _decompress(name, content)
        start += 60 + size + size % 2
    raise DatasetError(f"{package} is not a Debian package: it holds no data.tar")


def _decompress(name: str, content: bytes) -> bytes:
    openers: dict[str, Callable[[bytes], bytes]] = {
        "": bytes,
        ".gz": gzip.decompress,
        ".bz2": bz2.decompress,
        ".xz": lzma.decompress,
    }
    suffix = name.removeprefix("data.tar")
    if suffix not in openers:
        raise DatasetError(
            f"the Debian package is compressed as {suffix}, which is not read here; "
            "install it with apt-get, or unpack it with dpkg-deb -x"
        )
    return openers[suffix](content)


def _first_line(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).partition("\n")[0]
