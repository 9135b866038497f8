"""The gallery on disk: one Lance dataset."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import GalleryError, StorageError
from lookalike.gallery.columns import damaged, reason_of
from lookalike.gallery.opened import Gallery
from lookalike.gallery.rows import GalleryRows, Store, as_table
from lookalike.gallery.versions import manifests
from lookalike.storage import recover, replace_directory, storage_errors, sync_tree

__all__ = [
    "open_gallery",
    "open_state",
    "write_gallery",
]

FORMAT = "lookalike-gallery"
# The first version that can be read has float32 alone; 3 says float16 to a Lookalike that has none.
VERSIONS: dict[Store, int] = {"float32": 2, "float16": 3}
# Bytes of the index, and of what Lance notes of files, that an open gallery keeps in memory.
INDEX_CACHE = 400_000_000
NOTES_CACHE = 16_000_000
# States before the newest that are tried where that cannot be read.
STATES_TRIED = 3


def write_gallery(
    directory: Path,
    rows: GalleryRows,
    *,
    fingerprint: str,
    ids: NDArray[np.int64] | None = None,
    store: Store = "float32",
) -> Gallery:
    """Write a gallery beside `directory`, sync it and rename it into place.

    Args:
        directory: the gallery's directory; what is there is replaced.
        rows: what it holds.
        fingerprint: of the encoder that made the embeddings.
        ids: int64 (N,), all different; None numbers the rows.
        store: "float16" halves the file; scores are then those of the rounded embeddings.

    Raises:
        GalleryError: an embedding is too large for float16.
        StorageError: the disk is full or may not be written.
    """
    import lance

    beside = directory.with_name(directory.name + ".new")
    with storage_errors(directory):
        shutil.rmtree(beside, ignore_errors=True)
        beside.parent.mkdir(parents=True, exist_ok=True)
    try:
        table = as_table(rows, np.arange(len(rows.paths)) if ids is None else ids, store)
        facts = {"format": FORMAT, "version": str(VERSIONS[store]), "fingerprint": fingerprint}
        facts["lineage"] = uuid.uuid4().hex
        lance.write_dataset(table.replace_schema_metadata(facts), str(beside))
    except OSError as error:  # Lance says everything that goes wrong on the disk with this one
        shutil.rmtree(beside, ignore_errors=True)
        raise StorageError(
            f"cannot write the gallery to {directory}: {reason_of(error)}"
        ) from error
    sync_tree(beside)
    replace_directory(beside, directory)
    return open_gallery(directory)


def open_gallery(directory: Path) -> Gallery:
    """Open a gallery.

    Raises:
        GalleryError: there is none, it is damaged, or it is of another format version.
    """
    recover(directory)
    if not directory.is_dir():
        raise GalleryError(f"no gallery at {directory}: make one with `lookalike index`")
    return open_state(directory)


def open_state(directory: Path) -> Gallery:
    """Open the newest state of a gallery that can be read.

    What a loss of power has left half written is the newest state, if any: then the one before it
    is what was committed last.

    Raises:
        GalleryError: none can be read, or it is of another format version.
    """
    import lance

    first: GalleryError | None = None
    for version in (None, *list(manifests(directory))[1 : 1 + STATES_TRIED]):
        try:
            dataset = lance.dataset(
                str(directory),
                version=version,
                index_cache_size_bytes=INDEX_CACHE,
                metadata_cache_size_bytes=NOTES_CACHE,
            )
            _check_format(directory, dataset.schema.metadata or {})
            return Gallery(directory, dataset)
        except (ValueError, OSError, KeyError) as error:
            first = first or damaged(directory, error)
    raise first or damaged(directory, FileNotFoundError("nothing in it"))


def _check_format(directory: Path, metadata: dict[bytes, bytes]) -> None:
    if metadata.get(b"format") != FORMAT.encode():
        raise GalleryError(f"{directory} is not a Lookalike gallery: give another directory")
    known = [str(version) for version in VERSIONS.values()]
    if metadata.get(b"version", b"").decode(errors="replace") not in known:
        found = metadata.get(b"version", b"?").decode(errors="replace")
        raise GalleryError(
            f"the gallery at {directory} has format version {found}, this Lookalike reads "
            f"{' and '.join(known)}: update Lookalike, or make it again with `lookalike index`"
        )
