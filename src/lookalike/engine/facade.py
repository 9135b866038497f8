"""Engine: one directory that answers queries; its parts are read when they are first needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.parts import EngineParts
from lookalike.engine.queries import Query, QueryLike, resolve_all
from lookalike.errors import QueryError
from lookalike.types import Hits, Metric, OnProgress, check_metric, silent

if TYPE_CHECKING:
    from PIL.Image import Image

    from lookalike.engine.measure import Evaluation
    from lookalike.engine.reporting import EngineReport
    from lookalike.gallery import ExactIndex

__all__ = ["Engine", "open_engine"]


class Engine(EngineParts):
    """A gallery and the encoder that was trained for it.

    Args:
        directory: the engine's directory.
        device: where the encoder runs.

    Raises:
        EngineError: there is no engine, or it is of another format version.
    """

    def __init__(self, directory: str | Path, *, device: str = "auto") -> None:
        super().__init__(directory, device=device)
        self._indexes: dict[Metric, ExactIndex] = {}

    def __repr__(self) -> str:
        return f"Engine({str(self.layout.directory)!r}, {self.manifest.counts.gallery:,} pictures)"

    def __len__(self) -> int:
        return self.manifest.counts.gallery

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
        return self._embed(self._resolve(pictures), on_progress)

    def search(
        self,
        query: QueryLike,
        k: int | None = None,
        *,
        metric: Metric | None = None,
        where: str | None = None,
        include_self: bool = False,
    ) -> Hits:
        """Find the pictures closest to one query; see `search_many`."""
        return self.search_many([query], k, metric=metric, where=where, include_self=include_self)[
            0
        ]

    def search_many(
        self,
        queries: Sequence[QueryLike],
        k: int | None = None,
        *,
        metric: Metric | None = None,
        where: str | None = None,
        include_self: bool = False,
        on_unreadable: Callable[[QueryError], None] | None = None,
        on_progress: OnProgress = silent,
    ) -> list[Hits]:
        """Find the pictures closest to each of several queries.

        Args:
            queries: files, paths of the gallery, bytes, arrays or Pillow images.
            k: hits per query; None for the preset's own. More than there are gives all.
            metric: "euclidean", "cosine" or "inner"; None for the engine's own.
            where: SQL over label, path, split, width and height; only pictures for which it holds
                are searched.
            include_self: let a picture of the gallery find itself.
            on_unreadable: told of each query that cannot be read, which is then left out; None
                raises instead.
            on_progress: told how many queries are embedded.

        Returns:
            Hits for each query, in the order given, closest first.

        Raises:
            QueryError: a query cannot be read, or k is less than 1.
            GalleryError: `where` is not understood.
        """
        from lookalike.search import search

        resolved = self._resolve(queries, on_unreadable)
        positions = np.array([query.position for query in resolved], np.int64)
        found = search(
            self.gallery,
            self.index(metric or check_metric(self.manifest.metric)),
            self._embed(resolved, on_progress),
            names=[query.name for query in resolved],
            k=self.manifest.k if k is None else k,
            where=where,
            exclude=None if include_self else positions,
        )
        return [self._drawable(hits, query) for hits, query in zip(found, resolved, strict=True)]

    def index(self, metric: Metric) -> ExactIndex:
        """Return the index that answers searches by `metric`."""
        from lookalike.gallery import ExactIndex

        if metric not in self._indexes:
            self._indexes[metric] = ExactIndex(self.gallery.embeddings, metric)
        return self._indexes[metric]

    def evaluate(
        self,
        queries: str | Path | None = None,
        *,
        baselines: bool = True,
        data_home: Path | None = None,
        archive: Path | None = None,
        on_progress: OnProgress = silent,
    ) -> Evaluation:
        """Measure the retrieval by the pictures' weak labels, beside the baselines.

        Args:
            queries: labelled pictures to search the gallery with; None for those the engine
                keeps (its `test` split) or, without any, leave-one-out within the gallery.
            baselines: measure raw pixels, colour histogram, HOG and PCA on the same split.
            data_home: where data sets are kept.
            archive: an archive of the named data set that is already at hand.
            on_progress: told what is being measured.

        Raises:
            SettingsError: there are no labels to measure by.
        """
        from lookalike.engine.measure import evaluate

        return evaluate(
            self,
            queries,
            baselines=baselines,
            home=data_home,
            archive=archive,
            on_progress=on_progress,
        )

    def grid(self, hits: Sequence[Hits]) -> Image:
        """Draw queries beside what they found."""
        from lookalike.engine.looking import draw_hits

        return draw_hits(self, hits)

    def curve(self) -> Image:
        """Draw the loss of every epoch.

        Raises:
            SettingsError: the encoder came trained, so there is no loss to draw.
        """
        from lookalike.engine.looking import draw_curve

        return draw_curve(self)

    def map(self, *, seed: int | None = None, on_progress: OnProgress = silent) -> Image:
        """Draw the t-SNE map of the gallery with thumbnails."""
        from lookalike.engine.looking import draw_gallery_map

        seed = self.manifest.seed if seed is None else seed
        return draw_gallery_map(self, seed=seed, on_progress=on_progress)

    def report(
        self,
        *,
        baselines: bool = True,
        data_home: Path | None = None,
        on_progress: OnProgress = silent,
    ) -> EngineReport:
        """Write grids, reconstructions, loss curve, map, metrics and the report page.

        Args:
            baselines: measure the baselines beside the engine.
            data_home: where data sets are kept.
            on_progress: told what is being made.

        Raises:
            EngineError: there is no gallery yet.
            StorageError: the disk is full or may not be written.
        """
        from lookalike.engine.reporting import write_engine_report

        return write_engine_report(
            self, baselines=baselines, home=data_home, on_progress=on_progress
        )

    def _resolve(
        self,
        queries: Sequence[QueryLike],
        on_unreadable: Callable[[QueryError], None] | None = None,
    ) -> list[Query]:
        return resolve_all(
            queries,
            gallery=self.gallery,
            root=self.root,
            image=self.image,
            cache=self.cache,
            on_unreadable=on_unreadable,
        )

    def _embed(self, queries: list[Query], on_progress: OnProgress) -> NDArray[np.float32]:
        """Take what the gallery knows, embed the rest in one batch."""
        embeddings = np.empty((len(queries), self.gallery.embeddings.shape[1]), np.float32)
        known = [number for number, query in enumerate(queries) if query.position >= 0]
        fresh = [number for number, query in enumerate(queries) if query.pixels is not None]
        if known:
            embeddings[known] = self.gallery.embeddings[[queries[i].position for i in known]]
        if fresh:
            pixels = np.stack([p for q in queries if (p := q.pixels) is not None])
            embeddings[fresh] = self.encoder.embed(pixels, on_progress=on_progress)
        return embeddings

    def _drawable(self, hits: Hits, query: Query) -> Hits:
        from lookalike.engine.looking import hits_png

        return replace(hits, draw=lambda: hits_png(self, hits, query.picture))


def open_engine(directory: str | Path, *, device: str = "auto") -> Engine:
    """Open an engine.

    Args:
        directory: the engine's directory.
        device: where the encoder runs: "auto", "cpu", "cuda", "cuda:1" or "mps".

    Raises:
        EngineError: there is none, or it is of another format version.
    """
    return Engine(directory, device=device)
