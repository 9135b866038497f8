"""Named data sets: where they are found or fetched, what they hold, under which licence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from lookalike.errors import DatasetError
from lookalike.images.collection import Collection
from lookalike.images.fetching import ONLINE, Fetcher
from lookalike.images.folder_sets import AFHQ, IMAGENETTE, load_folders, load_stamps
from lookalike.images.idx_sets import FASHION_MNIST, MNIST, load_idx, load_shipped
from lookalike.types import OnProgress, silent

__all__ = ["DATASETS", "Dataset", "load_dataset"]

Loader = Callable[[Path, "Path | None", Fetcher, OnProgress], Collection]


@dataclass(frozen=True)
class Dataset:
    """A data set that anyone can get.

    Attributes:
        name: what the command line calls it.
        summary: what it shows.
        pictures: how many.
        size: of the pictures, in words.
        splits: what is trained on and what is asked for, in words.
        licence: of the pictures.
        size_mb: to download, in megabytes of 10⁶ bytes; 0 if it comes with the package.
        home_url: where it is described.
        how: how it is had.
        load: finds or fetches it.
    """

    name: str
    summary: str
    pictures: int
    size: str
    splits: str
    licence: str
    size_mb: float
    home_url: str
    how: str
    load: Loader = field(repr=False, compare=False)


DATASETS: dict[str, Dataset] = {
    "fashion-mnist": Dataset(
        name="fashion-mnist",
        summary="clothes, shoes and bags in 10 classes",
        pictures=70_000,
        size="28×28 grey",
        splits="60,000 train, 10,000 test",
        licence="MIT",
        size_mb=31,
        home_url="https://github.com/zalandoresearch/fashion-mnist",
        how="Debian package dataset-fashion-mnist (installed, or fetched without root), else "
        "GitHub; --archive",
        load=partial(load_idx, FASHION_MNIST),
    ),
    "fashion-mnist-10k": Dataset(
        name="fashion-mnist-10k",
        summary="the 10,000 test pictures of fashion-mnist",
        pictures=10_000,
        size="28×28 grey",
        splits="the first 8,000 train, the last 2,000 test",
        licence="MIT",
        size_mb=0,
        home_url="https://github.com/zalandoresearch/fashion-mnist",
        how="comes with Lookalike",
        load=load_shipped,
    ),
    "stamps": Dataset(
        name="stamps",
        summary="Tux Paint's stamps: animals, food, symbols, vehicles, ... in 16 folders",
        pictures=785,
        size="about 20 to 600 pixels, colour, transparent",
        splits="none",
        licence="GPL-2",
        size_mb=161,
        home_url="https://tuxpaint.org/stamps/",
        how="Debian package tuxpaint-stamps-default 2022.06.04 (installed, or fetched without "
        "root), else Debian's pool; --archive",
        load=load_stamps,
    ),
    "mnist": Dataset(
        name="mnist",
        summary="handwritten digits",
        pictures=70_000,
        size="28×28 grey",
        splits="60,000 train, 10,000 test",
        licence="CC BY-SA 3.0",
        size_mb=12,
        home_url="http://yann.lecun.com/exdb/mnist/",
        how="mirrors of PyTorch and Google; --archive",
        load=partial(load_idx, MNIST),
    ),
    "afhq": Dataset(
        name="afhq",
        summary="animal faces: cats, dogs, wild animals (StarGAN v2)",
        pictures=16_130,
        size="512×512 colour",
        splits="14,630 train, 1,500 test (published as val)",
        licence="CC BY-NC 4.0",
        size_mb=770,
        home_url="https://github.com/clovaai/stargan-v2",
        how="the authors' Dropbox; --archive",
        load=partial(load_folders, AFHQ),
    ),
    "imagenette": Dataset(
        name="imagenette",
        summary="photos of ten easy classes of ImageNet",
        pictures=13_394,
        size="colour, shorter side 320",
        splits="9,469 train, 3,925 test (published as val)",
        licence="Apache-2.0 (the list); the photos under ImageNet's terms",
        size_mb=342,
        home_url="https://github.com/fastai/imagenette",
        how="fast.ai's public bucket; --archive",
        load=partial(load_folders, IMAGENETTE),
    ),
}
"""Every named data set, by its name."""


def load_dataset(
    name: str,
    home: Path,
    *,
    archive: Path | None = None,
    fetcher: Fetcher = ONLINE,
    on_progress: OnProgress = silent,
) -> Collection:
    """Find or fetch a named data set.

    Args:
        name: one of `DATASETS`.
        home: the folder that fetched data sets are kept in, each in a folder of its name.
        archive: a file (zip, tar, .deb) or folder of the data set that is already at hand; it is
            used instead of fetching.
        fetcher: the ways to fetch.
        on_progress: told how far a download is.

    Raises:
        DatasetError: the name is unknown, or the data set cannot be had.
        StorageError: the disk is full, or `home` may not be written.
    """
    if name not in DATASETS:
        near = get_close_matches(name, DATASETS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise DatasetError(f"unknown data set {name!r}: wanted one of {', '.join(DATASETS)}{hint}")
    if archive is not None and not archive.exists():
        raise DatasetError(f"no such archive: {archive}")
    collection = DATASETS[name].load(home, archive, fetcher, on_progress)
    return collection.with_pictures(collection.pictures, source=name)
