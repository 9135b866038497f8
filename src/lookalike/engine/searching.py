"""`lookalike search`: queries named on the command line, their hits, their grid."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.engine.calibration_file import FEWEST
from lookalike.engine.facade import Engine, open_engine
from lookalike.engine.indexes import search_note
from lookalike.engine.queries import Cropped, QueryLike
from lookalike.engine.sources import find_path
from lookalike.errors import QueryError, StorageError, UnreadableQueryError
from lookalike.types import Hits, Metric, OnProgress, silent

if TYPE_CHECKING:
    from lookalike.gallery import SearchWith
    from lookalike.images import Crop
    from lookalike.search import Combine, SearchSettings

__all__ = ["Examples", "Found", "expand_queries", "search_engine"]


@dataclass(frozen=True)
class Examples:
    """Pictures that make one query together with those asked for.

    Attributes:
        like: more of what to look for.
        unlike: what to keep away from.
        combine: "mean" or "best"; see `Engine.search_examples`. None is "mean", and no query of
            one if there is neither `like` nor `unlike`.
    """

    like: Sequence[str] = ()
    unlike: Sequence[str] = ()
    combine: Combine | None = None

    def __bool__(self) -> bool:
        return bool(self.like or self.unlike or self.combine)


# As many labels are named when a filter matches none.
LABELS = 10


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        hits: of each query, in order.
        notes: what the person should know, one line each.
        failure: why the grid could not be written, to be said after the hits.
    """

    hits: tuple[Hits, ...]
    notes: tuple[str, ...] = ()
    failure: StorageError | None = None


def search_engine(
    engine: str | Path,
    queries: Sequence[str],
    k: int | None = None,
    *,
    metric: Metric | None = None,
    where: str | None = None,
    include_self: bool = False,
    settings: SearchSettings | None = None,
    examples: Examples | None = None,
    crop: Crop | None = None,
    grid: Path | None = None,
    device: str = "auto",
    search_with: SearchWith = "auto",
    on_progress: OnProgress = silent,
) -> Found:
    """Search an engine for several queries; a folder stands for all its pictures.

    Args:
        engine: the engine's directory.
        queries: picture files, folders, paths of the gallery.
        k: hits per query; None for the preset's own.
        metric: "euclidean", "cosine" or "inner"; None for the engine's own.
        where: SQL filter over the gallery.
        include_self: let a picture of the gallery find itself.
        settings: query expansion and re-ranking; None for neither.
        examples: take all queries and these pictures as one query; None searches for each query.
        crop: the part of each of `queries` to search with; None for the whole.
        grid: where to draw the hits, if anywhere.
        device: where the encoder runs.
        search_with: "exact", "indexed", "streamed", or "auto".
        on_progress: told how many queries are embedded.

    Raises:
        QueryError: a query names nothing, none of a folder's pictures can be read, or k is less
            than 1.
        SettingsError: the settings do not go together or mean nothing under the metric.
        StorageError: the grid's name ends in no picture format's extension.
    """
    if grid is not None:
        from lookalike.pictures import check_format

        check_format(grid)
    opened = open_engine(engine, device=device, search_with=search_with)
    if k is not None and k < 1:
        raise QueryError(f"k is {k}: wanted 1 or more")
    notes: list[str] = []
    unreadable: list[UnreadableQueryError] = []
    groups = {query: expand_queries([query]) for query in queries}
    names = [name for query in queries for name in groups[query]]
    asked: list[QueryLike] = [one if crop is None else Cropped(one, crop) for one in names]
    if examples:
        hits = [
            opened.search_examples(
                [*asked, *expand_queries(examples.like)],
                k,
                unlike=expand_queries(examples.unlike),
                combine=examples.combine or "mean",
                metric=metric,
                where=where,
                include_self=include_self,
                settings=settings,
                on_progress=on_progress,
            )
        ]
    else:
        hits = opened.search_many(
            asked,
            k,
            metric=metric,
            where=where,
            include_self=include_self,
            settings=settings,
            # One bad file must not cost the answers to all others.
            on_unreadable=unreadable.append if len(asked) > 1 else None,
            on_progress=on_progress,
        )
    _check_each_is_answered(queries, groups, unreadable)
    notes += [f"skipped: {error}" for error in unreadable]
    failure = None if grid is None else _save_grid(opened, hits, grid)
    note = search_note(opened, metric, settings)
    if note is not None:
        notes.append(note)
    if where is not None and not any(hits):
        notes.append(_nothing_matches(opened, where))
    if _lacks_calibration(opened):
        notes.append(
            "what these scores mean is not known yet: `lookalike report "
            f"{shlex.quote(str(opened.layout.directory))}` learns it"
        )
    wanted = opened.manifest.k if k is None else k
    if k is not None and k > len(opened):
        notes.append(f"k is {wanted:,}, the gallery has {len(opened):,} pictures: all are shown")
    return Found(tuple(hits), tuple(notes), failure)


def _lacks_calibration(engine: Engine) -> bool:
    """Whether a report would say what the scores mean, and none was made."""
    card = engine.layout.reports / "card.json"
    return len(engine) >= FEWEST and engine.calibration is None and not card.exists()


def _save_grid(engine: Engine, hits: Sequence[Hits], place: Path) -> StorageError | None:
    """Draw the hits; what cannot be written must not cost the person the hits themselves."""
    from lookalike.pictures import save

    try:
        save(engine.grid(hits), place)
    except StorageError as error:
        return error
    return None


def _check_each_is_answered(
    queries: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    unreadable: Sequence[UnreadableQueryError],
) -> None:
    """Raise where no picture of a folder can be read, or no query at all.

    Raises:
        QueryError: it names the folder and the first file.
    """
    reasons = {error.place: error for error in unreadable}
    count = sum(len(groups[query]) for query in queries)
    if len(reasons) == count and len(queries) > 1:
        raise QueryError(f"none of {count:,} queries can be read; the first: {unreadable[0]}")
    start = 0
    for query in queries:
        stop = start + len(groups[query])
        is_folder = groups[query] != [query]
        if is_folder and all(place in reasons for place in range(start, stop)):
            raise QueryError(
                f"{query} holds no picture that can be read, {stop - start:,} tried; "
                f"the first: {reasons[start]}"
            )
        start = stop


def _nothing_matches(engine: Engine, where: str) -> str:
    """Say that a filter leaves nothing to find, and name labels if it asks for one."""
    positions = engine.gallery.positions(where)
    if positions is not None and len(positions):
        return f"no other picture matches {where}"
    note = f"no picture matches {where}"
    if "label" not in where.lower():
        return note
    labels = sorted({label for label in engine.gallery.labels if label is not None})
    if not labels:
        return f"{note}: the pictures have no labels (sub-folders)"
    some = f" and {len(labels) - LABELS:,} more" if len(labels) > LABELS else ""
    return f"{note}; the labels are {', '.join(labels[:LABELS])}{some}"


def expand_queries(queries: Sequence[str]) -> list[str]:
    """Replace every folder by the pictures in it.

    Raises:
        CollectionError: a folder holds no picture.
        QueryError: a query is empty.
    """
    from lookalike.images import find_pictures
    from lookalike.names import file_of_name

    expanded: list[str] = []
    for query in queries:
        if not query:
            raise QueryError("a query is empty: give a picture, a folder or a path of the gallery")
        path = find_path(query)
        if path is not None and path.is_dir():
            collection = find_pictures(path)
            expanded += [
                str(collection.root / file_of_name(one.path)) for one in collection.pictures
            ]
        else:
            expanded.append(query)
    return expanded
