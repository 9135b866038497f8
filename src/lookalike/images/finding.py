"""Find the pictures of a folder, a CSV or JSON-lines list, or IDX files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookalike.errors import CollectionError
from lookalike.images.collection import Collection, Picture, Skipped
from lookalike.images.idx import is_idx, labels_file, read_idx, read_idx_images, split_of
from lookalike.images.lists import find_in_csv, find_in_jsonl
from lookalike.names import name_of_file
from lookalike.walking import (
    SUFFIXES,
    Split,
    files_state,
    idx_images,
    joined_state,
    split_folders,
    walk,
)

__all__ = ["collection_state", "find_idx", "find_in_folder", "find_pictures"]

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
    files = idx_images(folder)
    return find_idx(files, str(folder)) if files else find_in_folder(folder)


def find_in_folder(folder: Path) -> Collection:
    """Find the picture files in a folder and below, sorted by their paths.

    Raises:
        CollectionError: there is none.
    """
    left_out: list[tuple[str, str]] = []
    found = (path for path, _ in walk(folder, left_out))
    paths = sorted(found, key=lambda path: path.split("/"))
    splits = split_folders(folder)
    pictures = tuple(_picture(path, splits) for path in paths)
    skipped = tuple(Skipped(path, reason) for path, reason in left_out)
    return Collection(folder, str(folder), "folder", pictures, skipped)


def collection_state(collection: Collection) -> str | None:
    """Return what `folder_state` gives of the folder of a collection, as it was found."""
    if collection.kind != "folder":
        return None
    parts = {"": collection.root, **collection.folders}
    try:
        return joined_state({name: _part_state(collection, name, at) for name, at in parts.items()})
    except OSError:
        return None


def _part_state(collection: Collection, name: str, folder: Path) -> str:
    """Return what `folder_state` gives of one of a collection's folders."""
    of, cut = collection.places.folder_of, len(f"{name}/") if name else 0
    files = [
        (one.path[cut:], collection.stat(place))
        for place, one in enumerate(collection.pictures)
        if of(one.path) == name
    ]
    left_out = [
        (one.path[cut:] or ".", one.reason) for one in collection.skipped if of(one.path) == name
    ]
    return files_state(folder, files, left_out)


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
