"""What a gallery holds of each picture, and the table that it is stored as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import GalleryError, SettingsError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["STORES", "GalleryRows", "Store", "as_matrix", "as_table", "check_store"]

Store = Literal["float32", "float16"]
STORES: tuple[Store, ...] = get_args(Store)


@dataclass(frozen=True)
class GalleryRows:
    """What is written about N pictures.

    Attributes:
        paths: relative to the pictures' root; each once.
        labels: weak labels, None where there is none.
        splits: "train", "val", "test" or None.
        widths: in pixels, of the originals as they are shown.
        heights: in pixels, of the originals as they are shown.
        sha256: hexadecimal, of the files' content.
        embeddings: float32 (N, D), finite.
        file_sizes: in bytes, by which an unchanged file is recognised; -1 where not known.
        modified: times of change in ns, likewise.
    """

    paths: Sequence[str]
    labels: Sequence[str | None]
    splits: Sequence[str | None]
    widths: NDArray[np.int32]
    heights: NDArray[np.int32]
    sha256: Sequence[str]
    embeddings: NDArray[np.float32]
    file_sizes: NDArray[np.int64] | None = None
    modified: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        for name in ("file_sizes", "modified"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.full(len(self.paths), -1, np.int64))
        lengths = {field.name: len(getattr(self, field.name)) for field in fields(self)}
        if len(set(lengths.values())) != 1:
            raise GalleryError(f"a gallery's columns must be equally long, got {lengths}")
        shape = self.embeddings.shape
        if len(shape) != 2 or not shape[1] or self.embeddings.dtype != np.float32:
            raise GalleryError(
                f"embeddings are {self.embeddings.dtype} {self.embeddings.shape}: "
                "wanted float32 (N, D) with D above 0"
            )
        broken = np.flatnonzero(~np.isfinite(self.embeddings).all(axis=1))
        if len(broken):
            raise GalleryError(
                f"{len(broken)} embeddings hold NaN or infinity, the first is that of "
                f"{self.paths[broken[0]]}: train the encoder again"
            )
        if len(set(self.paths)) != len(self.paths):
            twice = Counter(self.paths).most_common(1)[0][0]
            raise GalleryError(f"a gallery holds each path once, got {twice} twice")


def check_store(name: str) -> Store:
    """Return `name` as a way to store embeddings.

    Raises:
        SettingsError: `name` is not one of `STORES`.
    """
    for store in STORES:
        if name == store:
            return store
    raise SettingsError(f"unknown store {name!r}: wanted one of {', '.join(STORES)}")


def as_table(rows: GalleryRows, ids: NDArray[np.int64], store: Store = "float32") -> pa.Table:
    """Return rows as they are stored, each under its id.

    Raises:
        GalleryError: an embedding is too large for float16.
    """
    import pyarrow as pa

    width = rows.embeddings.shape[1]
    flat = pa.array(np.ascontiguousarray(_stored(rows.embeddings, store)).reshape(-1))
    columns = {
        "id": pa.array(ids, pa.int64()),
        "path": pa.array(rows.paths, pa.string()),
        "label": pa.array(rows.labels, pa.string()),
        "split": pa.array(rows.splits, pa.string()),
        "width": pa.array(rows.widths, pa.int32()),
        "height": pa.array(rows.heights, pa.int32()),
        "sha256": pa.array(rows.sha256, pa.string()),
        "file_size": pa.array(rows.file_sizes, pa.int64()),
        "modified": pa.array(rows.modified, pa.int64()),
        "embedding": pa.FixedSizeListArray.from_arrays(flat, width),
    }
    return pa.table(columns)


def as_matrix(column: pa.Array) -> NDArray[np.float32]:
    """Return the embeddings (N, D) of a column of them, in float32 however they are stored."""
    width = column.type.list_size
    flat = column.flatten().to_numpy(zero_copy_only=False)
    if flat.dtype == np.float16:
        flat = _from_float16(flat, width)
    return np.ascontiguousarray(flat.reshape(-1, width), dtype=np.float32)


def _stored(embeddings: NDArray[np.float32], store: Store) -> NDArray[np.floating]:
    if store == "float32":
        return embeddings
    largest = float(np.abs(embeddings).max(initial=0))
    if largest > float(np.finfo(np.float16).max):
        raise GalleryError(
            f"embeddings hold {largest:.3g}, more than float16 can: store them as float32"
        )
    return embeddings.astype(np.float16)


def _from_float16(flat: NDArray[np.float16], width: int) -> NDArray[np.float32]:
    """Return the same numbers in float32; faiss does it many times faster than numpy."""
    import faiss

    codec = faiss.IndexScalarQuantizer(width, faiss.ScalarQuantizer.QT_fp16)
    codes = np.ascontiguousarray(flat).view(np.uint8).reshape(-1, 2 * width)
    return np.asarray(codec.sa_decode(codes), np.float32)
