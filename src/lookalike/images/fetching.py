"""Bring files from where they are published, and believe them only by their SHA-256."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lookalike.errors import DatasetError
from lookalike.storage import storage_errors
from lookalike.types import OnProgress, Progress

__all__ = ["ONLINE", "Fetcher", "fetch", "file_digest"]

_CHUNK = 1 << 20
_TIMEOUT = 30.0


@dataclass(frozen=True)
class Fetcher:
    """The ways to the world outside; tests give their own.

    Attributes:
        download: writes what an address holds into a file; `OSError` when it cannot be had.
        package: downloads a Debian package into a folder and returns its file, None if it cannot.
        installed: the root below which the files of installed Debian packages lie.
    """

    download: Callable[[str, Path, OnProgress], None]
    package: Callable[[str, Path], Path | None]
    installed: Path


def fetch(
    urls: tuple[str, ...],
    target: Path,
    digest: Callable[[Path], str],
    wanted: str | None,
    fetcher: Fetcher,
    on_progress: OnProgress,
) -> None:
    """Download into `target` from the first address that gives the right file.

    Args:
        urls: the addresses, tried in turn.
        target: written beside and renamed when its digest is right.
        digest: computes the digest of a file.
        wanted: the digest to find, in hex; None: it is not checked.
        fetcher: how to download.
        on_progress: told how far it is.

    Raises:
        DatasetError: no address gave the right file.
        StorageError: the disk is full, or the place may not be written.
    """
    from http.client import HTTPException  # importing it takes longer than decoding a picture

    beside = target.with_name(target.name + ".part")
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    reasons = []
    for url in urls:
        try:
            with storage_errors(target):
                fetcher.download(url, beside, on_progress)
                if wanted is None or digest(beside) == wanted:
                    beside.replace(target)
                    return
            reasons.append(f"{url}: not the published file (its SHA-256 differs)")
        except (OSError, HTTPException, DatasetError) as error:
            reason = getattr(error, "reason", None) or error
            reasons.append(f"{url}: {str(reason).partition(chr(10))[0] or type(error).__name__}")
        finally:
            beside.unlink(missing_ok=True)
    raise DatasetError("; ".join(reasons))


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(url: str, target: Path, on_progress: OnProgress) -> None:
    import urllib.request

    request = urllib.request.Request(url, headers={"User-Agent": "lookalike"})
    stage = f"fetch {target.name.removesuffix('.part')}"
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer, target.open("wb") as file:
        total = int(answer.headers.get("Content-Length") or 0)
        while chunk := answer.read(_CHUNK):
            file.write(chunk)
            on_progress(Progress(stage, file.tell(), total))
    if total and target.stat().st_size != total:
        raise OSError("the connection was cut")


def _apt_get_download(package: str, folder: Path) -> Path | None:
    """Ask apt, which checks signatures itself, for a package file; it needs no root for that."""
    if shutil.which("apt-get") is None:
        return None
    with tempfile.TemporaryDirectory(dir=folder) as place:
        try:
            subprocess.run(
                ["apt-get", "download", package],
                cwd=place,
                check=True,
                capture_output=True,
                timeout=900,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        files = sorted(Path(place).glob("*.deb"))
        return files[0].replace(folder / f"{package}.deb") if files else None


ONLINE = Fetcher(_download, _apt_get_download, Path("/"))
