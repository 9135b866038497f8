"""From what a person asks with to embeddings, and back to what they can look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.engine.embedding import EmbeddedQueries, embed_queries
from lookalike.engine.parts import EngineParts
from lookalike.engine.queries import Query, QueryLike, resolve_all
from lookalike.engine.replacement import notices_replacement
from lookalike.errors import UnreadableQueryError
from lookalike.types import Hits, OnProgress, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lookalike.encoder import Embedded
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
        embed = partial(self._embedded, on_progress=on_progress, judged=False)
        return embed_queries(self._resolve(pictures), self.gallery, embed).embeddings

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

    def _embed(self, queries: list[Query], on_progress: OnProgress) -> EmbeddedQueries:
        """Embed queries, and find out what judging their hits needs to know of them."""
        judged = self.calibration is not None
        embed = partial(self._embedded, on_progress=on_progress, judged=judged)
        return embed_queries(queries, self.gallery, embed)

    def _embedded(
        self, pixels: NDArray[np.uint8], *, on_progress: OnProgress, judged: bool
    ) -> Embedded:
        from lookalike.encoder import Embedded  # a picture of the gallery needs none of it

        if judged and self.encoder.decodes:
            return self.encoder.embed_with_errors(pixels, on_progress=on_progress)
        return Embedded(self.encoder.embed(pixels, on_progress=on_progress))

    def _drawable(self, hits: Hits, query: Query) -> Hits:
        """Return hits that know what was asked for, and show themselves in a notebook."""
        asked = replace(hits, asked=query)

        def draw() -> bytes:
            from lookalike.engine.looking import draw_row  # what draws is not for every answer

            return draw_row(self, asked)

        return replace(asked, draw=draw)
