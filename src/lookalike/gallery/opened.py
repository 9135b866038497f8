"""An open gallery: one state of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery.columns import GalleryColumns
from lookalike.gallery.facts import IndexFacts, names_of_index, read_facts
from lookalike.gallery.prepared import BLOCK_BYTES, block_rows
from lookalike.gallery.rows import Store, as_matrix

__all__ = ["Gallery"]

# Blocks that are only copied: the memory of small ones is used again, that of larger ones is got
# from the system and cleared anew each time, which takes longer than reading them.
READ_BYTES = 4_000_000


class Gallery(GalleryColumns):
    """An open gallery: one state of it, whatever a writer does meanwhile.

    Attributes:
        fingerprint: of the encoder that made the embeddings.
        lineage: the same for all states of a gallery that began as one.
        version: of this state; rises with every change.
        width: how many numbers an embedding has.
        store: "float32" or "float16", how they are stored.
        ids: int64 (N,), what a picture is known by while its path and content change; ascending.
    """

    def __init__(self, directory: Path, dataset: Any) -> None:  # noqa: ANN401 - untyped library
        super().__init__(directory, dataset)
        metadata = dataset.schema.metadata
        self.fingerprint: str = metadata[b"fingerprint"].decode()
        self.lineage: str = metadata[b"lineage"].decode()
        kind = dataset.schema.field("embedding").type
        self.width = int(kind.list_size)
        self.store: Store = "float16" if str(kind.value_type) == "halffloat" else "float32"

    @cached_property
    def embeddings(self) -> NDArray[np.float32]:
        """float32 (N, D), C-contiguous.

        Raises:
            GalleryError: they cannot be read.
        """
        embeddings = np.empty((len(self), self.width), np.float32)
        for places, rows in self.blocks(READ_BYTES):
            if self._order is None:  # a range: quicker than places one by one
                embeddings[places[0] : places[0] + len(rows)] = rows
            else:
                embeddings[places] = rows
        return embeddings

    def blocks(
        self, block_bytes: int = BLOCK_BYTES
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Give all embeddings in blocks as they lie on the disk: their places, float32 (n, D).

        Args:
            block_bytes: about the size of a block.

        Raises:
            GalleryError: they cannot be read.
        """
        step = block_rows(self.width, block_bytes)
        for start in range(0, len(self), step):
            stop = min(start + step, len(self))
            places = np.arange(start, stop) if self._order is None else self._there[start:stop]
            try:
                # A range at a time: one scan over all of it would read far ahead, into memory.
                table = self._dataset.scanner(
                    columns=["embedding"],
                    offset=start,
                    limit=step,
                    batch_size=step,
                    scan_in_order=True,
                ).to_table()
            except (ValueError, OSError) as error:
                raise self._unreadable(error) from error
            yield places, as_matrix(table["embedding"].combine_chunks())

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the embeddings of some places, float32 (..., D) for places of any shape.

        From memory where they are all there, else from the disk.
        """
        if "embeddings" in self.__dict__:
            return self.embeddings[places]
        once, back = np.unique(places, return_inverse=True)
        column = self._take("embedding", once)
        if not len(once):
            return np.zeros((*places.shape, self.width), np.float32)
        return as_matrix(column.combine_chunks())[back.reshape(places.shape)]

    @cached_property
    def index_facts(self) -> IndexFacts | None:
        """What is known of the index beside these embeddings; None where there is none."""
        return read_facts(self._dataset)

    @property
    def has_index(self) -> bool:
        """Whether there is an index, also one of which nothing is known."""
        return bool(names_of_index(self._dataset))

    def nearest(
        self, query: NDArray[np.float32], count: int, facts: IndexFacts
    ) -> NDArray[np.int64]:
        """Return the places of about `count` nearest by the index, in no certain order.

        Args:
            query: float32 (D,).
            count: how many.
            facts: how thoroughly to look.
        """
        wanted = {
            "column": "embedding",
            "q": query,
            "k": count,
            "minimum_nprobes": facts.probes,
            "ef": max(2 * count, 64),
        }
        scanner = self._dataset.scanner(
            columns=["_rowid"],
            nearest=wanted,
            disable_scoring_autoprojection=True,
        )
        try:
            return self._places(scanner.to_table()["_rowid"].to_numpy())
        except (ValueError, OSError) as error:
            raise self._unreadable(error) from error
