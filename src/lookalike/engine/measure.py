"""How good an engine's search is, by weak labels, beside baselines on the same split."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.baselines import (
    OnBaseline,
    count_baselines,
    fit_baselines,
    ignore_baseline,
)
from lookalike.engine.folders import reopen_folders
from lookalike.engine.indexes import all_embeddings
from lookalike.engine.manifest import Layout
from lookalike.engine.sources import open_source
from lookalike.engine.stages import compared_pictures
from lookalike.errors import SettingsError
from lookalike.evaluation import COLUMNS, Metrics, evaluate_queries, leave_one_out
from lookalike.types import OnProgress, Progress, check_metric, silent

if TYPE_CHECKING:
    from lookalike.engine.facade import Engine
    from lookalike.gallery import Gallery
    from lookalike.images import Collection, ImageSpec, PictureCache

__all__ = ["Evaluation", "EvaluationRow", "evaluate"]


@dataclass(frozen=True)
class EvaluationRow:
    """One line of the comparison.

    Attributes:
        name: the engine's preset, or a baseline.
        metrics: what it reached.
    """

    name: str
    metrics: Metrics

    @property
    def values(self) -> dict[str, float | None]:
        """Column heading to value."""
        values = self.metrics.as_dict()
        return {heading: values[name] for name, heading in COLUMNS.items()}


@dataclass(frozen=True)
class Evaluation:
    """The engine and the baselines on one split.

    Attributes:
        protocol: one sentence on what was searched with what.
        rows: the engine first, then the baselines.
    """

    protocol: str
    rows: tuple[EvaluationRow, ...]

    def __post_init__(self) -> None:
        if not self.rows:
            raise SettingsError("an evaluation holds at least the engine's own row")

    @property
    def engine(self) -> Metrics:
        """The engine's own metrics."""
        return self.rows[0].metrics

    @property
    def columns(self) -> tuple[str, ...]:
        """Column headings, in order."""
        return tuple(COLUMNS.values())

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        rows = [{"name": row.name, **row.metrics.as_dict()} for row in self.rows]
        return {"protocol": self.protocol, "rows": rows}


@dataclass(frozen=True)
class _Queries:
    """Labelled pictures to search with, decodable at any size.

    Attributes:
        collection: where they are.
        layout: where their decoded copies are kept.
        only_test: take only the `test` split of the collection.
        foreign: they are not those that the engine keeps.
    """

    collection: Collection
    layout: Layout
    only_test: bool
    foreign: bool = False

    def decode(
        self, image: ImageSpec, on_progress: OnProgress
    ) -> tuple[NDArray[np.uint8], list[str | None]]:
        """Return pixels (Q, H, W, C) and labels."""
        cache = compared_pictures(self.collection, image, self.layout, on_progress)
        rows = cache.rows("test") if self.only_test else np.arange(len(cache))
        return np.asarray(cache.pixels[rows]), [cache.labels[row] for row in rows]

    def same(self, gallery: Gallery, image: ImageSpec) -> dict[int, list[int]]:
        """Return to places of queries those of the same files in the gallery.

        A collection's own test split is what it is: only queries from elsewhere may be the
        gallery's own pictures.
        """
        if not self.foreign:
            return {}
        cache = compared_pictures(self.collection, image, self.layout)
        rows = cache.rows("test") if self.only_test else np.arange(len(cache))
        found = {number: gallery.positions_of(cache.sha256[row]) for number, row in enumerate(rows)}
        return {number: places for number, places in found.items() if places}


@dataclass(frozen=True)
class _DecodedQueries:
    """The queries that an engine keeps, at the one size that it keeps them in.

    Attributes:
        cache: the engine's decoded pictures.
    """

    cache: PictureCache

    def decode(
        self, image: ImageSpec, on_progress: OnProgress
    ) -> tuple[NDArray[np.uint8], list[str | None]]:
        """Return pixels (Q, H, W, C) and labels; `image` is the engine's own."""
        rows = self.cache.rows("test")
        return np.asarray(self.cache.pixels[rows]), [self.cache.labels[row] for row in rows]

    def same(self, gallery: Gallery, image: ImageSpec) -> dict[int, list[int]]:
        """Return nothing: what the engine keeps as queries is not in its gallery."""
        return {}


def evaluate(
    engine: Engine,
    queries: str | Path | None,
    *,
    baselines: bool = True,
    home: Path | None = None,
    archive: Path | None = None,
    collection: Collection | None = None,
    on_baseline: OnBaseline = ignore_baseline,
    on_progress: OnProgress = silent,
) -> Evaluation:
    """Measure an engine and the baselines; see `Engine.evaluate`.

    `collection` is that of the engine where it is already open; `on_baseline` is given each
    baseline, so that no other measurement has to fit it again.
    """
    reopen = partial(_collection, engine, home, archive if queries is None else None, collection)
    if queries is not None:
        asked = open_source(
            queries, home=home, archive=archive, limits=engine.limits, on_progress=on_progress
        )
        only_test = any(picture.split == "test" for picture in asked.pictures)
        with tempfile.TemporaryDirectory() as place:
            given = _Queries(asked, Layout(Path(place)), only_test, foreign=True)
            return _compare(engine, given, reopen, baselines, on_baseline, on_progress)
    kept = _kept(engine, reopen, baselines)
    return _compare(engine, kept, reopen, baselines, on_baseline, on_progress)


def _kept(
    engine: Engine, reopen: Callable[[], Collection], baselines: bool
) -> _Queries | _DecodedQueries | None:
    """Return the queries that the engine keeps; None where it keeps none."""
    if not engine.manifest.counts.queries:
        return None
    if not baselines and engine.cache is not None and len(engine.cache.rows("test")):
        return _DecodedQueries(engine.cache)  # the pictures themselves may be gone
    return _Queries(reopen(), engine.layout, True)


def _collection(
    engine: Engine, home: Path | None, archive: Path | None, opened: Collection | None
) -> Collection:
    return opened or reopen_folders(
        engine.manifest,
        engine.layout.directory,
        home=home,
        archive=archive,
        otherwise=", or evaluate without baselines (--no-baselines)",
        limits=engine.limits,
    )


def _compare(
    engine: Engine,
    queries: _Queries | _DecodedQueries | None,
    reopen: Callable[[], Collection],
    baselines: bool,
    on_baseline: OnBaseline,
    on_progress: OnProgress,
) -> Evaluation:
    gallery = engine.gallery
    labels = list(gallery.labels)
    metric, known = check_metric(engine.manifest.metric), all_embeddings(engine, "evaluation")
    total = 1 + (count_baselines() if baselines else 0)
    query_labels: list[str | None] = []
    same: dict[int, list[int]] = {}
    if queries is None:
        metrics = leave_one_out(known, labels, metric)
    else:
        pixels, query_labels = queries.decode(engine.image, on_progress)
        embeddings = engine.encoder.embed(pixels, on_progress=on_progress)
        same = queries.same(gallery, engine.image)
        metrics = evaluate_queries(known, labels, embeddings, query_labels, metric, same)
    on_progress(Progress("measure", 1, total))
    rows = [EvaluationRow(f"{engine.manifest.preset} (this engine)", metrics)]
    for one in fit_baselines(engine, reopen(), on_progress) if baselines else ():
        if queries is None:
            found = leave_one_out(one.known, labels, one.metric)
        else:
            asked = one.embed(queries.decode(one.image, on_progress)[0])
            found = evaluate_queries(one.known, labels, asked, query_labels, one.metric, same)
        rows.append(EvaluationRow(one.name, found))
        on_baseline(one)
        on_progress(Progress("measure", len(rows), total))
    return Evaluation(_protocol(metrics, len(labels), queries is None), tuple(rows))


def _protocol(metrics: Metrics, gallery: int, within: bool) -> str:
    """Say what was searched with what, and how many queries had no right answer to find."""
    every = metrics.queries + metrics.left_out
    count = f"{metrics.queries:,} of {every:,}" if metrics.left_out else f"{every:,}"
    if not within:
        return f"{count} queries against a gallery of {gallery:,} pictures"
    some = f", {count} as queries" if metrics.left_out else ""
    return f"leave-one-out within the gallery of {gallery:,} pictures{some}"
