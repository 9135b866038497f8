"""From what a person asks with to embeddings, and back to what they can look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.engine.parts import EngineParts
from lookalike.engine.queries import Query, QueryLike, embed_all, resolve_all
from lookalike.engine.replacement import notices_replacement
from lookalike.errors import UnreadableQueryError
from lookalike.types import Hits, OnProgress, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lookalike.engine.exporting import Exported

__all__ = ["AskedEngine"]


class AskedEngine(EngineParts):
    """An engine's parts, and what reads and embeds queries, here or, exported, elsewhere."""

    @notices_replacement
    def embed(
        self, pictures: Sequence[QueryLike], *, on_progress: OnProgress = silent
    ) -> NDArray[np.float32]:
        """Return the embeddings (N, D) of N pictures.

        Args:
            pictures: files, paths of the gallery, bytes, arrays (uint8, H × W or H × W × 3) or
                Pillow images.
            on_progress: told how many are done.

        Raises:
            QueryError: one of them cannot be read.
        """
        resolved = self._resolve(pictures)
        _, embeddings = embed_all(
            resolved, self.gallery, lambda p: (self.encoder.embed(p, on_progress=on_progress), None)
        )
        return embeddings

    @notices_replacement
    def export(self, output: str | Path | None = None, *, int8: bool = False) -> Exported:
        """Write the encoder as one ONNX file: pixels in, embeddings out; see docs/export.md.

        Args:
            output: the file; None for the engine's name with ".onnx", in the current directory.
            int8: the network's layers compute in 8 bits: smaller, and often quicker.

        Raises:
            ExportError: the encoder cannot be written as ONNX, the file does not give what torch
                gives, or 8 bits find other pictures.
            StorageError: the disk is full or may not be written.
        """
        from lookalike.engine.exporting import export_engine

        return export_engine(self, None if output is None else Path(output), int8=int8)

    def _resolve(
        self,
        queries: Sequence[QueryLike],
        on_unreadable: Callable[[UnreadableQueryError], None] | None = None,
    ) -> list[Query]:
        return resolve_all(
            queries,
            gallery=self.gallery,
            places=self.places,
            image=self.image,
            cache=lambda: self.cache,
            limits=self.limits,
            on_unreadable=on_unreadable,
        )

    def _embed(
        self, queries: list[Query], on_progress: OnProgress
    ) -> tuple[list[Query], NDArray[np.float32]]:
        """Return queries with what judging their hits needs of them, and their embeddings."""

        def embed(
            pixels: NDArray[np.uint8],
        ) -> tuple[NDArray[np.float32], NDArray[np.float64] | None]:
            if self.calibration is None or not self.encoder.decodes:
                return self.encoder.embed(pixels, on_progress=on_progress), None
            return self.encoder.embed_with_errors(pixels, on_progress=on_progress)

        return embed_all(queries, self.gallery, embed)

    def _drawable(self, hits: Hits, query: Query) -> Hits:
        """Return hits that know what was asked for, and show themselves in a notebook."""
        asked = replace(hits, asked=query)

        def draw() -> bytes:
            from lookalike.engine.looking import draw_row  # what draws is not for every answer

            return draw_row(self, asked)

        return replace(asked, draw=draw)
