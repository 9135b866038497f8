"""The gallery on disk: one Lance dataset, read into memory when it is opened."""

from __future__ import annotations

import re
import shutil
import uuid
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import GalleryError, StorageError
from lookalike.gallery.filters import filter_help, lance_filter
from lookalike.gallery.rows import GalleryRows, as_matrix, as_table
from lookalike.storage import recover, replace_directory, storage_errors, sync_tree

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Gallery", "open_gallery", "write_gallery"]

FORMAT = "lookalike-gallery"
VERSION = 2
# States before the newest that are tried where that cannot be read.
STATES_TRIED = 3


class Gallery:
    """An open gallery: one state of it, whatever a writer does meanwhile.

    Attributes:
        fingerprint: of the encoder that made the embeddings.
        lineage: the same for all states of a gallery that began as one.
        version: of this state; rises with every change.
    """

    def __init__(self, directory: Path, dataset: Any) -> None:  # noqa: ANN401 - untyped library
        self.directory = directory
        self._dataset = dataset
        metadata = dataset.schema.metadata
        self.fingerprint: str = metadata[b"fingerprint"].decode()
        self.lineage: str = metadata[b"lineage"].decode()
        self.version = int(dataset.version)
        columns = [name for name in dataset.schema.names if name != "embedding"]
        table = dataset.scanner(columns=columns, with_row_id=True).to_table()
        # Changed rows have moved to the end of the file: places are in the order of the ids.
        self._order = np.argsort(table["id"].to_numpy(), kind="stable")
        self._table: pa.Table = table.take(self._order)

    def __len__(self) -> int:
        return len(self._order)

    @cached_property
    def embeddings(self) -> NDArray[np.float32]:
        """float32 (N, D), C-contiguous.

        Raises:
            GalleryError: they cannot be read.
        """
        try:
            column = self._dataset.scanner(columns=["embedding"]).to_table()["embedding"]
        except (ValueError, OSError) as error:
            raise damaged(self.directory, error) from error
        embeddings = as_matrix(column)
        in_order = bool((np.diff(self._order) > 0).all())
        return embeddings if in_order else embeddings[self._order]

    @cached_property
    def ids(self) -> NDArray[np.int64]:
        """int64 (N,), what a picture is known by while its path and content change; ascending."""
        return np.asarray(self._table["id"].to_numpy())

    @cached_property
    def widths(self) -> NDArray[np.int32]:
        """int32 (N,), in pixels, of the originals as they are shown."""
        return np.asarray(self._table["width"].to_numpy())

    @cached_property
    def heights(self) -> NDArray[np.int32]:
        """int32 (N,), in pixels, of the originals as they are shown."""
        return np.asarray(self._table["height"].to_numpy())

    @cached_property
    def file_sizes(self) -> NDArray[np.int64]:
        """int64 (N,), of the files when they were read, in bytes; -1 where not known."""
        return np.asarray(self._table["file_size"].to_numpy())

    @cached_property
    def modified(self) -> NDArray[np.int64]:
        """int64 (N,), when the files were last changed before they were read, in ns."""
        return np.asarray(self._table["modified"].to_numpy())

    @cached_property
    def splits(self) -> list[str | None]:
        """Splits: "train", "val", or None where there are none."""
        return list(self._table["split"].to_pylist())

    @cached_property
    def paths(self) -> list[str]:
        """Paths relative to the pictures' root."""
        return list(self._table["path"].to_pylist())

    @cached_property
    def labels(self) -> list[str | None]:
        """Weak labels, None where there is none."""
        return list(self._table["label"].to_pylist())

    @cached_property
    def sha256(self) -> list[str]:
        """Hexadecimal digests of the files' content when they were indexed."""
        return list(self._table["sha256"].to_pylist())

    @cached_property
    def _by_content(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for position, digest in enumerate(self.sha256):
            places.setdefault(digest, []).append(position)
        return places

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {path: position for position, path in enumerate(self.paths)}

    def position(self, path: str) -> int | None:
        """Return the place of `path` in the gallery, or None."""
        return self._positions.get(path)

    def positions_of(self, sha256: str) -> list[int]:
        """Return the places of the pictures of this content, in order."""
        return self._by_content.get(sha256, [])

    def positions(self, where: str | None) -> NDArray[np.int64] | None:
        """Return the places of the pictures for which a filter holds, in order.

        Args:
            where: SQL over path, label, split, width and height; None for all pictures.

        Returns:
            int64 (M,), or None if `where` is None.

        Raises:
            GalleryError: the filter is not understood.
        """
        if where is None:
            return None
        expression = lance_filter(where)
        try:
            found = self._dataset.scanner(
                columns=["path"], filter=expression, with_row_id=True
            ).to_table()["_rowid"]
        except (ValueError, OSError, RuntimeError) as error:  # the last: Lance panicked
            raise GalleryError(
                f"the filter {where!r} is not understood ({reason_of(error)}): {filter_help()}"
            ) from error
        places = np.searchsorted(self._sorted_ids, found.to_numpy())
        return np.sort(self._order_of_ids[places])

    @cached_property
    def _order_of_ids(self) -> NDArray[np.int64]:
        return np.argsort(self._table["_rowid"].to_numpy(), kind="stable")

    @cached_property
    def _sorted_ids(self) -> NDArray[np.uint64]:
        return np.asarray(self._table["_rowid"].to_numpy()[self._order_of_ids])


def write_gallery(
    directory: Path,
    rows: GalleryRows,
    *,
    fingerprint: str,
    ids: NDArray[np.int64] | None = None,
) -> Gallery:
    """Write a gallery beside `directory`, sync it and rename it into place.

    Args:
        directory: the gallery's directory; what is there is replaced.
        rows: what it holds.
        fingerprint: of the encoder that made the embeddings.
        ids: int64 (N,), all different; None numbers the rows.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    import lance

    beside = directory.with_name(directory.name + ".new")
    with storage_errors(directory):
        shutil.rmtree(beside, ignore_errors=True)
        beside.parent.mkdir(parents=True, exist_ok=True)
    try:
        table = as_table(rows, np.arange(len(rows.paths)) if ids is None else ids)
        facts = {"format": FORMAT, "version": str(VERSION), "fingerprint": fingerprint}
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
    """Open a gallery and read it into memory.

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
            dataset = lance.dataset(str(directory), version=version)
            _check_format(directory, dataset.schema.metadata or {})
            return Gallery(directory, dataset)
        except (ValueError, OSError, KeyError) as error:
            first = first or damaged(directory, error)
    raise first or damaged(directory, FileNotFoundError("nothing in it"))


def manifests(directory: Path) -> dict[int, Path]:
    """Return the file of each state of a gallery by its version, the newest first."""
    found = {}
    for path in (directory / "_versions").glob("*.manifest"):
        if path.stem.isdecimal():
            number = int(path.stem)  # Lance counts down from the largest number, or up
            found[number if number < 2**63 else 2**64 - 1 - number] = path
    return dict(sorted(found.items(), reverse=True))


def newest_version(directory: Path) -> int:
    """Return the version of the newest state of a gallery; 0 where there is none."""
    return next(iter(manifests(directory)), 0)


def damaged(directory: Path, error: Exception) -> GalleryError:
    """Return what is to be raised where a gallery cannot be read."""
    return GalleryError(
        f"the gallery at {directory} is damaged ({reason_of(error)}): "
        "make it again with `lookalike index`"
    )


def _check_format(directory: Path, metadata: dict[bytes, bytes]) -> None:
    if metadata.get(b"format") != FORMAT.encode():
        raise GalleryError(f"{directory} is not a Lookalike gallery: give another directory")
    if metadata.get(b"version") != str(VERSION).encode():
        found = metadata.get(b"version", b"?").decode(errors="replace")
        raise GalleryError(
            f"the gallery at {directory} has format version {found}, this Lookalike reads "
            f"{VERSION}: update Lookalike, or make it again with `lookalike index`"
        )


def reason_of(error: Exception) -> str:
    """Return Lance's message without its places in source code and on one line."""
    text = re.sub(r",? ?\S*\.rs:\d+:\d+", "", " ".join(str(error).split()))
    text = re.sub(r"^(Invalid user input|LanceError\([^)]*\)): ?", "", text)
    # The brackets are not the person's: without them, what stands behind a filter stands out.
    text = re.sub(r"SELECT 1 FROM t WHERE \((.*?) \) ?\(sql", r"\1 (sql", text)
    return text.rstrip(" .,") or type(error).__name__
