"""Changing a gallery: each change is one commit of the Lance dataset, synced before it counts.

There is one writer at a time; readers keep the state that they opened. A change that was cut short
has not happened.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import GalleryError, StorageError
from lookalike.gallery.columns import reason_of
from lookalike.gallery.facts import INDEX_NAME, IndexFacts, names_of_index
from lookalike.gallery.history import GalleryVersion, states_of
from lookalike.gallery.rows import GalleryRows, Store, as_table
from lookalike.gallery.store import INDEX_CACHE, open_state
from lookalike.gallery.versions import manifests
from lookalike.storage import storage_errors, sync_directory
from lookalike.types import Metric

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["GalleryWriter", "MovedRows"]

# Lance rewrites small files into larger ones when there are more than so many of them.
MOST_FRAGMENTS = 32
# States that were replaced since then stay: a reader in another process may still be at one.
KEPT = timedelta(days=7)
REMOVED_AT_ONCE = 10_000
# The index: links of each embedding in its graph, and how many others are looked at to find them.
EDGES = 12
THOROUGH = 100
LANCE_METRICS = {"euclidean": "l2", "cosine": "cosine", "inner": "dot"}


@dataclass(frozen=True)
class MovedRows:
    """What changes of M pictures whose content stays: where they are, and what the folder says.

    Attributes:
        ids: int64 (M,).
        paths: relative to the pictures' root.
        labels: weak labels, None where there is none.
        splits: "train", "val" or None.
        file_sizes: int64 (M,), in bytes.
        modified: int64 (M,), in ns.
    """

    ids: NDArray[np.int64]
    paths: Sequence[str]
    labels: Sequence[str | None]
    splits: Sequence[str | None]
    file_sizes: NDArray[np.int64]
    modified: NDArray[np.int64]


class GalleryWriter:
    """Changes the gallery in a directory; to be used by the one that holds the engine's lock.

    Args:
        directory: of a gallery that is there.

    Raises:
        GalleryError: it cannot be read.
    """

    def __init__(self, directory: Path) -> None:
        import lance

        self.directory = directory
        newest = open_state(directory).version
        for version, path in manifests(directory).items():
            if version > newest:  # half written when the power was lost
                with storage_errors(path):
                    path.rename(path.with_suffix(".broken"))
        self._dataset = lance.dataset(str(directory), index_cache_size_bytes=INDEX_CACHE)
        kind = self._dataset.schema.field("embedding").type.value_type
        self._store: Store = "float16" if str(kind) == "halffloat" else "float32"
        self._synced = self._files()

    def put(self, rows: GalleryRows, ids: NDArray[np.int64]) -> None:
        """Add rows, or replace those of the same ids.

        Raises:
            GalleryError: an embedding is too large for the float16 that is stored.
            StorageError: the disk is full or may not be written.
        """
        self._merge(
            as_table(rows, ids, self._store), lambda merge: merge.when_not_matched_insert_all()
        )

    def move(self, rows: MovedRows) -> None:
        """Change what is known of files whose content, and so whose embedding, stays.

        Raises:
            StorageError: the disk is full or may not be written.
        """
        import pyarrow as pa

        columns = {
            "id": pa.array(rows.ids, pa.int64()),
            "path": pa.array(rows.paths, pa.string()),
            "label": pa.array(rows.labels, pa.string()),
            "split": pa.array(rows.splits, pa.string()),
            "file_size": pa.array(rows.file_sizes, pa.int64()),
            "modified": pa.array(rows.modified, pa.int64()),
        }
        self._merge(pa.table(columns), lambda merge: merge)

    def remove(self, ids: NDArray[np.int64]) -> None:
        """Remove the rows of these ids.

        Raises:
            StorageError: the disk is full or may not be written.
        """
        for start in range(0, len(ids), REMOVED_AT_ONCE):
            listed = ", ".join(map(str, ids[start : start + REMOVED_AT_ONCE].tolist()))
            self._commit(partial(self._dataset.delete, f"id IN ({listed})"))

    def compact(self, kept: timedelta = KEPT) -> None:
        """Join small files where there are many, and forget states replaced longer ago than `kept`.

        Raises:
            StorageError: the disk is full or may not be written.
        """
        if len(self._dataset.get_fragments()) > MOST_FRAGMENTS:
            self._commit(lambda: self._dataset.optimize.compact_files())
        now, states = datetime.now(UTC), self.versions()
        # Each state was the newest until the next one came: by that its age is counted.
        old = [after.time for after in states[1:] if after.time <= now - kept]
        if old:
            self._commit(lambda: self._dataset.cleanup_old_versions(older_than=now - old[-1]))

    def build_index(self, metric: Metric, partitions: int) -> str:
        """Build the index over all embeddings anew; see `lookalike.gallery.build_index`.

        Returns:
            The name that Lance gave it.

        Raises:
            StorageError: the disk is full or may not be written.
        """
        self._commit(
            lambda: self._dataset.create_index(
                "embedding",
                "IVF_HNSW_SQ",
                name=INDEX_NAME,
                metric=LANCE_METRICS[metric],
                replace=True,
                num_partitions=partitions,
                m=EDGES,
                ef_construction=THOROUGH,
            )
        )
        return names_of_index(self._dataset)[0]

    def extend_index(self) -> None:
        """Take the embeddings that the index does not hold into it.

        Raises:
            StorageError: the disk is full or may not be written.
        """
        self._commit(self._dataset.optimize.optimize_indices)

    def drop_index(self) -> None:
        """Forget the index; the gallery is searched without it.

        Raises:
            StorageError: the disk is full or may not be written.
        """
        self._commit(lambda: self._dataset.drop_index(INDEX_NAME))

    def keep_facts(self, facts: IndexFacts) -> None:
        """Keep what is known of the index, with this state and those after it.

        Raises:
            StorageError: the disk is full or may not be written.
        """
        self._commit(lambda: self._dataset.update_config(facts.as_config()))

    def outside_index(self) -> int:
        """Return how many embeddings the index does not hold; they are compared one by one."""
        held: set[int] = set()
        for one in self._dataset.describe_indices():
            if one.name == INDEX_NAME:
                for segment in one.segments:
                    held |= set(segment.fragment_ids)
        fragments = self._dataset.get_fragments()
        return sum(one.count_rows() for one in fragments if one.fragment_id not in held)

    def versions(self) -> list[GalleryVersion]:
        """Return the states that can be gone back to, the oldest first."""
        return states_of(self._dataset)

    def restore(self, version: int) -> None:
        """Make an earlier state the newest one; nothing in between is lost.

        Raises:
            GalleryError: there is no such state any more.
            StorageError: the disk is full or may not be written.
        """
        known = [one.version for one in self.versions()]
        if version not in known:
            raise GalleryError(
                f"no version {version} of {self.directory}: wanted one of "
                f"{', '.join(map(str, known[-20:]))}"
            )

        def restore() -> None:
            self._dataset = self._dataset.checkout_version(version)
            self._dataset.restore()

        self._commit(restore)

    def _merge(self, table: pa.Table, insert: Callable[[Any], Any]) -> None:
        if table.num_rows:
            merge = self._dataset.merge_insert("id").when_matched_update_all()
            self._commit(lambda: insert(merge).execute(table))

    def _commit(self, change: Callable[[], object]) -> None:
        """Make a change; it counts when its files, and the folders' names of them, are synced."""
        try:
            change()
            present = self._files()
            for path, _ in sorted(present - self._synced):
                handle = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
            for folder in sorted({path.parent for path, _ in present}):
                sync_directory(folder)
            sync_directory(self.directory)
            self._synced = present
        except (OSError, ValueError, RuntimeError) as error:  # Lance raises any of these
            raise StorageError(
                f"cannot change the gallery at {self.directory}: {reason_of(error)}; "
                "free space, then try again"
            ) from error

    def _files(self) -> set[tuple[Path, int]]:
        """Return all files, with what changes when one is replaced by another of its name."""
        files = (path for path in self.directory.rglob("*") if path.is_file())
        return {(path, path.stat().st_ino) for path in files}
