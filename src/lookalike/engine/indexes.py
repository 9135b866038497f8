"""What searches an engine's gallery: in memory, by the index, or from the disk."""

from __future__ import annotations

import shlex
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

from lookalike.engine.memory import read_memory
from lookalike.errors import EngineError
from lookalike.gallery import (
    ExactIndex,
    GraphIndex,
    SearchChoice,
    SearchIndex,
    StreamedIndex,
    choose_search,
    embedding_megabytes,
)
from lookalike.types import Metric, check_metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lookalike.engine.parts import EngineParts
    from lookalike.search import SearchSettings

__all__ = [
    "all_embeddings",
    "exact_index",
    "in_memory",
    "make_index",
    "search_choice",
    "search_note",
]


def search_choice(engine: EngineParts, metric: Metric | None = None) -> SearchChoice:
    """Return how a gallery is searched by a metric, by the engine's own if None.

    Raises:
        SettingsError: the index was asked for and there is none.
    """
    chosen = metric or check_metric(engine.manifest.metric)
    return choose_search(engine.gallery, chosen, engine.search_with, read_memory(engine.layout))


def search_note(
    engine: EngineParts, metric: Metric | None = None, settings: SearchSettings | None = None
) -> str | None:
    """Return what a person should know of how a search is made, if anything."""
    own = check_metric(engine.manifest.metric)
    chosen = metric or own if settings is None else settings.choose_metric(metric, own)
    choice = search_choice(engine, chosen)
    if settings is None or choice.search != "indexed" or not settings.weighs_gallery(chosen):
        return choice.note
    return (
        "this balance weighs all pictures anew and cannot use the index: every search reads all "
        "embeddings from the disk"
    )


def make_index(engine: EngineParts, metric: Metric, balance: float | None = None) -> SearchIndex:
    """Return what answers searches by `metric`; see `EngineParts.index`."""
    gallery, way = engine.gallery, search_choice(engine, metric).search
    if balance is not None:
        weigh = partial(engine.encoder.rebalanced, balance=balance)
        if way == "exact":
            return exact_index(engine, weigh(gallery.embeddings), metric)
        return StreamedIndex(gallery, metric, weigh)
    if way == "exact":
        return exact_index(engine, gallery.embeddings, metric)
    return GraphIndex(gallery, metric) if way == "indexed" else StreamedIndex(gallery, metric)


def exact_index(engine: EngineParts, rows: NDArray[np.float32], metric: Metric) -> ExactIndex:
    """Return an index in memory; it rounds the rows as well where memory is set to hold both."""
    both = rows.size * (4 + 1.7) / 1e6  # four bytes and one a number, and what making that leaves
    return ExactIndex(rows, metric, rounds=both <= read_memory(engine.layout))


def in_memory(engine: EngineParts, index: SearchIndex, purpose: str) -> ExactIndex:
    """Return an index if it is one in memory, for what compares the whole gallery.

    Raises:
        EngineError: it is not.
    """
    if isinstance(index, ExactIndex):
        return index
    all_embeddings(engine, purpose)
    raise EngineError(
        f"{purpose} needs all embeddings in memory, and search is {engine.search_with}: "
        "wanted search with exact or auto (--search-with)"
    )


def all_embeddings(engine: EngineParts, purpose: str) -> NDArray[np.float32]:
    """Return the embeddings (N, D) of the whole gallery, where memory is set to hold them.

    Args:
        engine: whose gallery it is.
        purpose: what needs them, for the message.

    Raises:
        EngineError: they are more.
    """
    size, allowed = embedding_megabytes(engine.gallery), read_memory(engine.layout)
    if size > allowed and engine.search_with != "exact":
        place = shlex.quote(str(engine.layout.directory))
        raise EngineError(
            f"{purpose} needs all embeddings in memory, {size:,.0f} MB, and memory is set to "
            f"{allowed:,.0f} MB: allow {ceil(size):,} MB with `lookalike accelerate {place}` "
            "and memory (--memory)"
        )
    return engine.gallery.embeddings
