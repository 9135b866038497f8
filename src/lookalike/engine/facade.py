"""Engine: one directory that answers queries; its parts are read when they are first needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lookalike.engine.judging import judge_all, judge_examples, standings
from lookalike.engine.living import LivingEngine
from lookalike.engine.looked_up import LookedUp
from lookalike.engine.queries import Query, QueryLike, Standing, first_of
from lookalike.engine.replacement import notices_replacement
from lookalike.errors import UnreadableQueryError
from lookalike.types import Hits, Metric, OnProgress, check_metric, silent

if TYPE_CHECKING:
    from lookalike.engine.measure import Evaluation
    from lookalike.engine.reporting import EngineReport
    from lookalike.gallery import SearchWith
    from lookalike.images import IntakeLimits
    from lookalike.search import Combine, SearchSettings

__all__ = ["Engine", "open_engine"]


class Engine(LivingEngine):
    """A gallery and the encoder that was trained for it.

    Args:
        directory: the engine's directory.
        device: where the encoder runs.
        limits: what a picture may cost as a query; None for what the engine was made with.
        search_with: "exact", "indexed" or "streamed"; "auto" takes what suits the gallery's size.

    Raises:
        EngineError: there is no engine, or it is of another format version.
    """

    def __repr__(self) -> str:
        return f"Engine({str(self.layout.directory)!r}, {self.manifest.counts.gallery:,} pictures)"

    def __len__(self) -> int:
        return self.manifest.counts.gallery

    @notices_replacement
    def prepare(self, pictures: Sequence[QueryLike], *, include_self: bool = False) -> list[Query]:
        """Return pictures as queries that can be searched with again and again, at less cost.

        They are read and embedded, and it is found out how they stand to the gallery. They belong
        to the gallery as it is now.

        Args:
            pictures: as the queries of `search_many`.
            include_self: as the searches will have it.

        Raises:
            QueryError: one of them cannot be read.
        """
        found = self._embed(self._resolve(pictures), silent)
        stand: list[Standing | None] = [None] * len(found.queries)
        if self.calibration is not None and found.queries:
            stand = [*standings(self, found.queries, found.embeddings, include_self=include_self)]
        return [
            replace(query, embedding=row, standing=one)
            for query, row, one in zip(found.queries, found.embeddings, stand, strict=True)
        ]

    def search(
        self,
        query: QueryLike,
        k: int | None = None,
        *,
        metric: Metric | None = None,
        where: str | None = None,
        include_self: bool = False,
        settings: SearchSettings | None = None,
    ) -> Hits:
        """Find the pictures closest to one query; see `search_many`."""
        (hits,) = self.search_many(
            [query], k, metric=metric, where=where, include_self=include_self, settings=settings
        )
        return hits

    @notices_replacement
    def search_many(
        self,
        queries: Sequence[QueryLike],
        k: int | None = None,
        *,
        metric: Metric | None = None,
        where: str | None = None,
        include_self: bool = False,
        settings: SearchSettings | None = None,
        on_unreadable: Callable[[UnreadableQueryError], None] | None = None,
        on_progress: OnProgress = silent,
    ) -> list[Hits]:
        """Find the pictures closest to each of several queries.

        Args:
            queries: files, gallery paths, bytes, arrays, Pillow images, parts of them (`Cropped`).
            k: hits per query; None for the preset's own. More than there are gives all.
            metric: "euclidean", "cosine" or "inner"; None for the engine's own.
            where: SQL over label, path, split, width and height; only pictures for which it holds
                are searched.
            include_self: let a picture of the gallery find itself.
            settings: query expansion and re-ranking; None for neither.
            on_unreadable: told of each query that cannot be read, which is then left out; None
                raises instead.
            on_progress: told how many queries are embedded.

        Returns:
            Hits for each query, in the order given, closest first.

        Raises:
            QueryError: a query names nothing or cannot be read, or k is less than 1.
            GalleryError: `where` is not understood.
            SettingsError: the settings mean nothing under the metric.
        """
        from lookalike.search import EVIDENCE_DEPTH, search

        resolved = self._resolve(queries, on_unreadable)
        positions = np.array([query.position for query in resolved], np.int64)
        exclude = None if include_self else positions
        embedded = self._embed(resolved, on_progress)
        resolved, plain = embedded.queries, embedded.embeddings
        embeddings, index = self.weighed(plain, metric, settings)
        looked_up, own = None, check_metric(self.manifest.metric)
        if self.calibration and index is self.index(own) and (settings is None or settings.plain):
            index = looked_up = LookedUp(index, EVIDENCE_DEPTH)  # what judges hits asks again
        found = search(
            self.gallery,
            index,
            embeddings,
            names=[query.name for query in resolved],
            k=self.manifest.k if k is None else k,
            where=where,
            exclude=exclude,
            settings=settings,
            spectral=self.spectral(index, settings),
        )
        found = judge_all(self, found, resolved, plain, index=looked_up, include_self=include_self)
        return [self._drawable(hits, query) for hits, query in zip(found, resolved, strict=True)]

    @notices_replacement
    def search_examples(
        self,
        like: Sequence[QueryLike],
        k: int | None = None,
        *,
        unlike: Sequence[QueryLike] = (),
        like_weights: Sequence[float] | None = None,
        unlike_weights: Sequence[float] | None = None,
        combine: Combine = "mean",
        metric: Metric | None = None,
        where: str | None = None,
        include_self: bool = False,
        settings: SearchSettings | None = None,
        on_progress: OnProgress = silent,
    ) -> Hits:
        """Find the pictures closest to several examples taken together.

        Args:
            like: what to look for; as the queries of `search_many`, at least one.
            k: hits; None for the preset's own. More than there are gives all.
            unlike: what to keep away from.
            like_weights: how much each of `like` counts, above 0; None for 1 each.
            unlike_weights: the same of `unlike`.
            combine: "mean" makes one query of all examples, "best" takes each picture's best match
                among them; see `lookalike.search.mean_query` and `best_match`.
            metric: "euclidean", "cosine" or "inner"; None for the engine's own.
            where: SQL filter, as in `search_many`.
            include_self: let examples of the gallery be found.
            settings: query expansion and re-ranking, with "mean" only; None for neither.
            on_progress: told how many examples are embedded.

        Raises:
            QueryError: an example cannot be read, there is none, or k is less than 1.
            GalleryError: `where` is not understood.
            SettingsError: the settings mean nothing under the metric or with "best".
        """
        from lookalike.search import search_examples

        liked, others = self._resolve(like), self._resolve(unlike)
        embedded = self._embed(liked + others, on_progress)
        liked, plain = embedded.queries[: len(liked)], embedded.embeddings
        embeddings, index = self.weighed(plain, metric, settings)
        positions = np.array([one.position for one in liked + others], np.int64)
        hits = search_examples(
            self.gallery,
            index,
            embeddings[: len(liked)],
            embeddings[len(liked) :],
            name=liked[0].name if len(liked) == 1 else f"{len(liked)} examples",
            k=self.manifest.k if k is None else k,
            like_weights=like_weights,
            unlike_weights=unlike_weights,
            combine=combine,
            where=where,
            leave_out=None if include_self else positions[positions >= 0],
            settings=settings,
            spectral=self.spectral(index, settings),
        )
        if liked:
            hits = judge_examples(self, hits, liked, plain[: len(liked)], include_self=include_self)
        return self._drawable(hits, first_of(liked))

    def opened_anew(self) -> Engine:
        """Return the engine as it is now, opened as this one was; this one stays as it is."""
        return Engine(
            self.layout.directory,
            device=self.device,
            limits=self._limits,
            search_with=self.search_with,
        )

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

    def report(
        self,
        *,
        baselines: bool = True,
        data_home: Path | None = None,
        archive: Path | None = None,
        on_progress: OnProgress = silent,
    ) -> EngineReport:
        """Write grids, reconstructions, loss curve, map, metrics and the report page.

        Args:
            baselines: measure the baselines beside the engine.
            data_home: where data sets are kept.
            archive: an archive of the named data set that is already at hand.
            on_progress: told what is being made.

        Raises:
            EngineError: there is no gallery yet.
            StorageError: the disk is full or may not be written.
        """
        from lookalike.engine.lock import writing
        from lookalike.engine.reporting import write_engine_report

        with writing(self.layout, "lookalike report"):
            return write_engine_report(self, baselines, data_home, archive, on_progress)


def open_engine(
    directory: str | Path,
    *,
    device: str = "auto",
    limits: IntakeLimits | None = None,
    search_with: SearchWith = "auto",
) -> Engine:
    """Open an engine.

    Args:
        directory: the engine's directory.
        device: where the encoder runs: "auto", "cpu", "cuda", "cuda:1" or "mps".
        limits: what a picture may cost as a query; None for what the engine was made with.
        search_with: "exact", "indexed" or "streamed"; "auto" takes what suits the gallery's size.

    Raises:
        EngineError: there is none, or it is of another format version.
        SettingsError: there is no such way to search.
    """
    return Engine(directory, device=device, limits=limits, search_with=search_with)
