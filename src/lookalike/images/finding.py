"""Find the pictures of a folder, a CSV or JSON-lines list, or IDX files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from lookalike.errors import CollectionError
from lookalike.images.collection import Collection, Picture, Skipped, Split
from lookalike.images.idx import (
    images_files,
    is_idx,
    labels_file,
    read_idx,
    read_idx_images,
    split_of,
)
from lookalike.images.lists import find_in_csv, find_in_jsonl
from lookalike.images.names import name_of_file
from lookalike.images.walking import SUFFIXES, is_folder, walk

__all__ = [
    "collection_state",
    "find_idx",
    "find_in_folder",
    "find_pictures",
    "folder_state",
]

_SPLIT_FOLDERS: dict[str, Split] = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
_LISTS = {".csv": find_in_csv, ".jsonl": find_in_jsonl, ".ndjson": find_in_jsonl}


def find_pictures(source: Path) -> Collection:
    """Find the pictures that a path names; none of them is decoded.

    - A folder, with the folders in it. Hidden files and folders, those that systems make for
      themselves (`__MACOSX`, `@eaDir`, ...) and engines (`*.lookalike`, or by their manifest) are
      passed over, symbolic links followed. A picture's label is the first
      folder of its path. Where there is a folder `train` beside `val`, `valid`, `validation` or
      `test`, these are the splits, and the label is the folder below them.
    - A folder with MNIST-named IDX files (`train-images-idx3-ubyte`, `t10k-...`, `.gz` or not).
    - A list: `.csv` (columns `path`, `label`, `split`; without a header the first column is the
      path, the second the label) or `.jsonl` (objects with the same keys). Paths are relative to
      the list's folder.
    - An IDX file of pictures, with its labels beside it.
    - One picture file.

    Raises:
        CollectionError: there is nothing there, or no picture in it.
    """
    if source.is_dir():
        return _find_in_directory(source)
    if not source.exists():
        raise CollectionError(
            f"no such file or folder: {source}; give a folder of pictures, a list or an IDX file"
        )
    if source.suffix.lower() in _LISTS:
        return _LISTS[source.suffix.lower()](source)
    if is_idx(source):
        return find_idx([source], str(source))
    if source.suffix.lower() in SUFFIXES:
        return Collection(
            source.parent, str(source), "folder", (Picture(name_of_file(source.name)),)
        )
    raise CollectionError(
        f"{source} is neither a picture, a list (.csv, .jsonl) nor an IDX file of pictures"
    )


def _find_in_directory(folder: Path) -> Collection:
    files = _idx_files(folder)
    return find_idx(files, str(folder)) if files else find_in_folder(folder)


def _idx_files(folder: Path) -> list[Path]:
    try:
        return images_files(folder)
    except OSError as error:
        raise CollectionError(
            f"cannot read the folder {folder}: {(error.strerror or 'error').lower()}"
        ) from error


def find_in_folder(folder: Path) -> Collection:
    """Find the picture files in a folder and below, sorted by their paths.

    Raises:
        CollectionError: there is none.
    """
    skipped: list[Skipped] = []
    found = (path for path, _ in walk(folder, skipped))
    paths = sorted(found, key=lambda path: path.split("/"))
    splits = _layout(folder)
    pictures = tuple(_picture(path, splits) for path in paths)
    return Collection(folder, str(folder), "folder", pictures, tuple(skipped))


def folder_state(folder: Path) -> str | None:
    """Return a digest that changes whenever a picture file in a folder, or below, does.

    Of every file the path, the size and the time of change are digested, so this is much quicker
    than looking at the pictures.

    Args:
        folder: as `find_pictures` takes it.

    Returns:
        None for what is not a folder of picture files.

    Raises:
        CollectionError: the folder cannot be read.
    """
    if not folder.is_dir() or _idx_files(folder):
        return None
    skipped: list[Skipped] = []
    files = {}
    for path, entry in walk(folder, skipped):
        try:
            status = entry.stat()
            files[path] = (status.st_size, status.st_mtime_ns)
        except OSError:
            files[path] = (-1, -1)
    return _state(folder, files, skipped)


def collection_state(collection: Collection) -> str | None:
    """Return what `folder_state` gives of the folder of a collection, as it was found."""
    if collection.kind != "folder":
        return None
    pictures = collection.pictures
    files = {picture.path: collection.stat(place) for place, picture in enumerate(pictures)}
    return _state(collection.root, files, collection.skipped)


def _state(folder: Path, files: Mapping[str, tuple[int, int]], skipped: Iterable[Skipped]) -> str:
    lines = [f"{path}\0{size}\0{modified}" for path, (size, modified) in files.items()]
    lines += [f"{one.path}\0{one.reason}" for one in skipped]
    lines += [f"{name}\0{split}" for name, split in _layout(folder).items()]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _layout(folder: Path) -> dict[str, Split]:
    """Return the folders that are splits: there is a `train`, and a `val` or a `test`."""
    with os.scandir(folder) as entries:
        names = {entry.name for entry in entries if is_folder(entry)}
    splits = {
        name: _SPLIT_FOLDERS[name.lower()] for name in names if name.lower() in _SPLIT_FOLDERS
    }
    return splits if "train" in splits.values() and len(set(splits.values())) > 1 else {}


def _picture(path: str, splits: dict[str, Split]) -> Picture:
    folders = path.split("/")[:-1]
    split = splits.get(folders[0]) if folders else None
    labels = folders[1:] if split else folders
    return Picture(path, labels[0] if labels else None, split)


def find_idx(files: list[Path], source: str) -> Collection:
    """Make one collection of IDX files of pictures in one folder; labels are found beside them.

    Raises:
        CollectionError: a file is damaged, or pictures and labels do not match.
    """
    arrays = {}
    pictures: list[Picture] = []
    for path in files:
        arrays[path.name] = read_idx_images(path)
        split = split_of(path) if len(files) > 1 else None
        labels = _idx_labels(path, len(arrays[path.name]))
        pictures.extend(
            Picture(f"{path.name}#{row}", label, split) for row, label in enumerate(labels)
        )
    return Collection(files[0].parent, source, "idx", tuple(pictures), arrays=arrays)


def _idx_labels(images: Path, count: int) -> list[str | None]:
    path = labels_file(images)
    if path is None:
        return [None] * count
    labels = read_idx(path)
    if labels.shape != (count,):
        raise CollectionError(
            f"{path} holds labels of shape {labels.shape}, but {images.name} holds {count} pictures"
        )
    return [str(label) for label in np.asarray(labels).tolist()]
