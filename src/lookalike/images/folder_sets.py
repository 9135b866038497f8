"""The data sets that are folders of pictures: AFHQ, Imagenette, Tux Paint's stamps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from lookalike.errors import CollectionError, DatasetError
from lookalike.images.archives import unpack
from lookalike.images.collection import Collection
from lookalike.images.fetching import Fetcher, fetch, file_digest
from lookalike.images.finding import find_in_folder
from lookalike.images.walking import SUFFIXES
from lookalike.storage import storage_errors
from lookalike.types import OnProgress

__all__ = ["AFHQ", "IMAGENETTE", "FolderSet", "load_folders", "load_stamps"]


@dataclass(frozen=True)
class FolderSet:
    """A data set of one archive with folders `train` and `val`.

    Attributes:
        name: of the data set.
        urls: of the archive, tried in turn.
        archive: the name that the archive is published under.
        sha256: of the archive as published.
        labels: readable names for folders that are called otherwise.
    """

    name: str
    urls: tuple[str, ...]
    archive: str
    sha256: str | None
    labels: tuple[tuple[str, str], ...] = ()


AFHQ = FolderSet(
    name="afhq",
    urls=("https://www.dropbox.com/s/t9l9o3vsx2jai3z/afhq.zip?dl=1",),
    archive="afhq.zip",
    sha256="7f63dcc14ef58c0e849b59091287e1844da97016073aac20403ae6c6132b950f",
)
IMAGENETTE = FolderSet(
    name="imagenette",
    urls=("https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-320.tgz",),
    archive="imagenette2-320.tgz",
    sha256="569b4497c98db6dd29f335d1f109cf315fe127053cedf69010d047f0188e158c",
    labels=(
        ("n01440764", "tench"),
        ("n02102040", "English springer"),
        ("n02979186", "cassette player"),
        ("n03000684", "chain saw"),
        ("n03028079", "church"),
        ("n03394916", "French horn"),
        ("n03417042", "garbage truck"),
        ("n03425413", "gas pump"),
        ("n03445777", "golf ball"),
        ("n03888257", "parachute"),
    ),
)

_STAMPS_PACKAGE = "tuxpaint-stamps-default"
_STAMPS_FOLDER = "usr/share/tuxpaint/stamps"
_STAMPS_URL = (
    "https://deb.debian.org/debian/pool/main/t/tuxpaint-stamps/"
    "tuxpaint-stamps-default_2022.06.04-1_all.deb"
)
_STAMPS_SHA256 = "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34"


def load_folders(
    wanted: FolderSet, home: Path, archive: Path | None, fetcher: Fetcher, on_progress: OnProgress
) -> Collection:
    """Find or fetch an archive of folders `train` and `val`; `val` becomes the split "test".

    Raises:
        DatasetError: it cannot be had, or has no such folders.
    """
    folder = home / wanted.name
    if archive is not None and archive.is_dir():
        folder = archive
    elif archive is not None:
        unpack(archive, folder, _below_splits)
    elif not (folder / "train").is_dir():
        _fetch_folders(wanted, folder, fetcher, on_progress)
    names = dict(wanted.labels)
    found = _find(folder, wanted.name)
    if "train" not in found.splits:
        raise DatasetError(f"{archive or folder} is not {wanted.name}: no folders train and val")
    return found.with_pictures(
        replace(
            picture,
            split="test" if picture.split == "val" else picture.split,
            label=names.get(picture.label or "", picture.label),
        )
        for picture in found.pictures
        if picture.split
    )


def _below_splits(path: PurePosixPath) -> str | None:
    """Keep pictures below `train` and `val`, without the folder that the archive wraps them in."""
    for depth, folder in enumerate(path.parts[:-1]):
        if folder in ("train", "val") and path.suffix.lower() in SUFFIXES:
            return "/".join(path.parts[depth:])
    return None


def _find(folder: Path, name: str) -> Collection:
    try:
        return find_in_folder(folder)
    except (CollectionError, OSError) as error:
        raise DatasetError(f"{folder} is not {name}: {error}") from error


def _fetch_folders(
    wanted: FolderSet, folder: Path, fetcher: Fetcher, on_progress: OnProgress
) -> None:
    target = folder.with_name(wanted.archive)
    try:
        if not (target.is_file() and file_digest(target) == wanted.sha256):
            fetch(wanted.urls, target, file_digest, wanted.sha256, fetcher, on_progress)
    except DatasetError as error:
        raise DatasetError(
            f"cannot fetch {wanted.name} ({error}); go online, "
            f"or give {wanted.archive} with --archive FILE"
        ) from error
    unpack(target, folder, _below_splits)
    with storage_errors(target):
        target.unlink()


def load_stamps(
    home: Path, archive: Path | None, fetcher: Fetcher, on_progress: OnProgress
) -> Collection:
    """Find or fetch Tux Paint's stamps; the 11 mirrored copies in Debian's package are left out.

    Raises:
        DatasetError: they cannot be had.
    """
    folder = home / "stamps"
    if archive is not None and archive.is_dir():
        folder = archive
    elif archive is not None:
        unpack(archive, folder, _stamp)
    elif (fetcher.installed / _STAMPS_FOLDER).is_dir():
        folder = fetcher.installed / _STAMPS_FOLDER
    elif not folder.is_dir():
        _fetch_stamps(folder, fetcher, on_progress)
    found = _find(folder, "stamps")
    kept = [picture for picture in found.pictures if _is_stamp(PurePosixPath(picture.path))]
    if not kept:
        raise DatasetError(f"{folder} holds no stamps: wanted PNG files in folders by subject")
    return found.with_pictures(kept)


def _is_stamp(path: PurePosixPath) -> bool:
    return path.suffix.lower() == ".png" and not path.stem.endswith(("_mirror", "_flip"))


def _stamp(path: PurePosixPath) -> str | None:
    """Keep the stamps below a folder `stamps`, by the path below it."""
    folders = path.parts[:-1]
    if "stamps" not in folders or not _is_stamp(path):
        return None
    return "/".join(path.parts[folders.index("stamps") + 1 :])


def _fetch_stamps(folder: Path, fetcher: Fetcher, on_progress: OnProgress) -> None:
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    package = fetcher.package(_STAMPS_PACKAGE, folder.parent)
    if package is None:
        package = folder.with_name(f"{_STAMPS_PACKAGE}.deb")
        try:
            fetch((_STAMPS_URL,), package, file_digest, _STAMPS_SHA256, fetcher, on_progress)
        except DatasetError as error:
            raise DatasetError(
                f"cannot fetch stamps ({error}); go online, or apt-get install {_STAMPS_PACKAGE}, "
                "or give its .deb file with --archive FILE"
            ) from error
    try:
        unpack(package, folder, _stamp)
    finally:
        package.unlink(missing_ok=True)
