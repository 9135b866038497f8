"""The columns of a gallery: each is read when it is first needed, or only where it is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import GalleryError
from lookalike.gallery.filters import filter_help, lance_filter

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["GalleryColumns", "damaged", "reason_of"]

# Up to so many pictures all of a text column is kept in memory once any of it is asked for; beyond,
# what is asked for is read from the disk.
FEW = 100_000
# Look-ups of a text column before lists and dictionaries are made of it: they take as long as so
# many look-ups without, and a single search makes fewer.
PATIENCE = 24
# Paths or digests looked for at once.
LOOKED_FOR = 1_000


class GalleryColumns:
    """What a gallery holds of each picture, beside its embedding.

    Attributes:
        ids: int64 (N,), what a picture is known by while its path and content change; ascending.
    """

    def __init__(self, directory: Path, dataset: Any) -> None:  # noqa: ANN401 - untyped library
        self.directory = directory
        self.version = int(dataset.version)
        self._dataset = dataset
        self._kept: dict[str, pa.ChunkedArray] = {}
        self._patience = dict.fromkeys(("paths", "labels", "sha256"), PATIENCE)
        ids, addresses = _ids_and_addresses(dataset)
        # Changed rows have moved to the end of the file: places are in the order of the ids.
        in_order = bool((np.diff(ids) > 0).all())
        self._order = None if in_order else np.argsort(ids, kind="stable")
        self.ids: NDArray[np.int64] = ids if self._order is None else ids[self._order]
        self._addresses: NDArray[np.uint64] = (
            addresses if self._order is None else addresses[self._order]
        )

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def widths(self) -> NDArray[np.int32]:
        """int32 (N,), in pixels, of the originals as they are shown."""
        return np.asarray(self._column("width").to_numpy())

    @cached_property
    def heights(self) -> NDArray[np.int32]:
        """int32 (N,), in pixels, of the originals as they are shown."""
        return np.asarray(self._column("height").to_numpy())

    @cached_property
    def file_sizes(self) -> NDArray[np.int64]:
        """int64 (N,), of the files when they were read, in bytes; -1 where not known."""
        return np.asarray(self._column("file_size").to_numpy())

    @cached_property
    def modified(self) -> NDArray[np.int64]:
        """int64 (N,), when the files were last changed before they were read, in ns."""
        return np.asarray(self._column("modified").to_numpy())

    @cached_property
    def splits(self) -> list[str | None]:
        """Splits: "train", "val", or None where there are none."""
        return list(self._column("split").to_pylist())

    @cached_property
    def paths(self) -> list[str]:
        """Paths relative to the pictures' root."""
        return list(self._column("path").to_pylist())

    @cached_property
    def labels(self) -> list[str | None]:
        """Weak labels, None where there is none."""
        return list(self._column("label").to_pylist())

    @cached_property
    def sha256(self) -> list[str]:
        """Hexadecimal digests of the files' content when they were indexed."""
        return list(self._column("sha256").to_pylist())

    def paths_at(self, places: Sequence[int] | NDArray[np.int64]) -> list[str]:
        """Return the paths of some places, without reading all others where there are many."""
        return [str(path) for path in self._texts("path", "paths", places)]

    def labels_at(self, places: Sequence[int] | NDArray[np.int64]) -> list[str | None]:
        """Return the labels of some places, likewise."""
        return self._texts("label", "labels", places)

    def sha256_at(self, place: int) -> str:
        """Return the digest of one place, likewise."""
        return str(self._texts("sha256", "sha256", [place])[0])

    def digests_at(self, places: Sequence[int] | NDArray[np.int64]) -> list[str]:
        """Return the digests of some places, likewise."""
        return [str(digest) for digest in self._texts("sha256", "sha256", places)]

    def position(self, path: str) -> int | None:
        """Return the place of `path` in the gallery, or None."""
        return self.places_of([path]).get(path)

    def places_of(self, paths: Sequence[str]) -> dict[str, int]:
        """Return the places of those of some paths that are in the gallery."""
        if self._holds("paths"):
            return {path: self._by_path[path] for path in paths if path in self._by_path}
        return {path: places[0] for path, places in self._find("path", paths).items()}

    def positions_of(self, sha256: str) -> list[int]:
        """Return the places of the pictures of this content, in order."""
        if self._holds("sha256"):
            return self._by_content.get(sha256, [])
        return self._find("sha256", [sha256]).get(sha256, [])

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
        return np.sort(self._places(found.to_numpy()))

    @cached_property
    def _there(self) -> NDArray[np.int64]:
        """The place of each row, in the order in which they lie on the disk."""
        there = np.empty(len(self), np.int64)
        there[self._order] = np.arange(len(self))
        return there

    @cached_property
    def _by_content(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for position, digest in enumerate(self.sha256):
            places.setdefault(digest, []).append(position)
        return places

    @cached_property
    def _by_path(self) -> dict[str, int]:
        return {path: position for position, path in enumerate(self.paths)}

    @cached_property
    def _by_address(self) -> NDArray[np.int64]:
        return np.argsort(self._addresses, kind="stable")

    def _places(self, addresses: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the places of rows that Lance names by address."""
        if self._order is None:
            return np.searchsorted(self._addresses, addresses)
        return self._by_address[
            np.searchsorted(self._addresses, addresses, sorter=self._by_address)
        ]

    def _holds(self, name: str) -> bool:
        """Whether a column is at hand as a list, or is to be by now."""
        if name in self.__dict__:
            return True
        self._patience[name] -= 1
        return len(self) <= FEW and self._patience[name] < 0

    def _column(self, name: str) -> pa.ChunkedArray:
        """Return a column in the order of the places."""
        if name in self._kept:
            return self._kept[name]
        try:
            column = self._dataset.scanner(columns=[name], scan_in_order=True).to_table()[name]
        except (ValueError, OSError) as error:
            raise self._unreadable(error) from error
        return column if self._order is None else column.take(self._order)

    def _take(self, name: str, places: NDArray[np.int64]) -> pa.ChunkedArray:
        offsets = places if self._order is None else self._order[places]
        try:
            return self._dataset.take(offsets, columns=[name])[name]
        except (ValueError, OSError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> GalleryError:
        """Return what to raise where this state cannot be read: it may be no more."""
        if any(one["version"] == self.version for one in self._dataset.versions()):
            return damaged(self.directory, error)
        return GalleryError(
            f"state {self.version} of the gallery at {self.directory} was replaced too long ago "
            "and is no more: open or refresh the engine again"
        )

    def _kept_column(self, name: str) -> pa.ChunkedArray:
        """Return a column that is looked into now and again."""
        self._kept[name] = self._column(name)
        return self._kept[name]

    def _texts(
        self, name: str, names: str, places: Sequence[int] | NDArray[np.int64]
    ) -> list[str | None]:
        if self._holds(names):
            values = getattr(self, names)
            return [values[place] for place in places]
        wanted = np.asarray(places, np.int64)
        if len(self) > FEW:
            return list(self._take(name, wanted).to_pylist())
        import pyarrow as pa

        # Not numpy's array itself: pyarrow would import numpy.ma to see whether it is a masked one.
        return list(self._kept_column(name).take(pa.array(wanted.tolist(), pa.int64())).to_pylist())

    def _find(self, name: str, values: Sequence[str]) -> dict[str, list[int]]:
        """Return the places of the rows that have these values in a column of texts."""
        found: dict[str, list[int]] = {}
        for start in range(0, len(values), LOOKED_FOR):
            some = values[start : start + LOOKED_FOR]
            places = self._matching(name, some)
            for place, value in places:
                found.setdefault(value, []).append(place)
        return found

    def _matching(self, name: str, values: Sequence[str]) -> list[tuple[int, str]]:
        """Return the places, in order, and values of the rows that have one of these values."""
        if len(self) <= FEW:
            import pyarrow as pa
            import pyarrow.compute as pc

            column = self._kept_column(name)
            rows = pc.indices_nonzero(pc.is_in(column, pa.array(values, column.type)))
            return list(zip(rows.to_pylist(), column.take(rows).to_pylist(), strict=True))
        listed = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
        table = self._dataset.scanner(
            columns=[name], filter=f"{name} IN ({listed})", with_row_id=True
        ).to_table()
        places = self._places(table["_rowid"].to_numpy()).tolist()
        return sorted(zip(places, table[name].to_pylist(), strict=True))


def _ids_and_addresses(dataset: Any) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:  # noqa: ANN401
    """Return the id of each row and where Lance has it, without a table of both in between."""
    count = dataset.count_rows()
    ids, addresses = np.empty(count, np.int64), np.empty(count, np.uint64)
    start = 0
    for batch in dataset.scanner(
        columns=["id"], with_row_id=True, scan_in_order=True, batch_readahead=1
    ).to_batches():
        stop = start + batch.num_rows
        ids[start:stop], addresses[start:stop] = batch["id"], batch["_rowid"]
        start = stop
    return ids, addresses


def damaged(directory: Path, error: Exception) -> GalleryError:
    """Return what is to be raised where a gallery cannot be read."""
    return GalleryError(
        f"the gallery at {directory} is damaged ({reason_of(error)}): "
        "make it again with `lookalike index`"
    )


def reason_of(error: Exception) -> str:
    """Return Lance's message without its places in source code and on one line."""
    text = re.sub(r",? ?\S*\.rs:\d+:\d+", "", " ".join(str(error).split()))
    text = re.sub(r"^(Invalid user input|LanceError\([^)]*\)): ?", "", text)
    # The brackets are not the person's: without them, what stands behind a filter stands out.
    text = re.sub(r"SELECT 1 FROM t WHERE \((.*?) \) ?\(sql", r"\1 (sql", text)
    return text.rstrip(" .,") or type(error).__name__
