"""Which way a gallery is searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from lookalike.errors import SettingsError
from lookalike.gallery.facts import IndexFacts
from lookalike.gallery.opened import Gallery
from lookalike.types import Metric

__all__ = [
    "EXACT_MEGABYTES",
    "SEARCHES",
    "Search",
    "SearchChoice",
    "SearchWith",
    "check_search",
    "choose_search",
    "embedding_megabytes",
]

Search = Literal["exact", "indexed", "streamed"]
SearchWith = Literal["auto", "exact", "indexed", "streamed"]
SEARCHES: tuple[SearchWith, ...] = get_args(SearchWith)

# Embeddings up to so many megabytes (10**6 bytes, as float32) are searched in memory: beyond, one
# query takes longer than by an index, and what a person's machine has left is not known.
EXACT_MEGABYTES = 1000


@dataclass(frozen=True)
class SearchChoice:
    """How a gallery is searched.

    Attributes:
        search: "exact", "indexed" or "streamed".
        note: what the person should know of it, if anything.
    """

    search: Search
    note: str | None = None


def check_search(name: str) -> SearchWith:
    """Return `name` as a way to search.

    Raises:
        SettingsError: `name` is not one of `SEARCHES`.
    """
    for search in SEARCHES:
        if name == search:
            return search
    raise SettingsError(f"unknown search {name!r}: wanted one of {', '.join(SEARCHES)}")


def embedding_megabytes(gallery: Gallery) -> float:
    """Return what a gallery's embeddings take in memory."""
    return len(gallery) * gallery.width * 4 / 1e6


def choose_search(
    gallery: Gallery, metric: Metric, wanted: SearchWith, megabytes: float
) -> SearchChoice:
    """Choose: exact while it fits, else by the index, else exact from the disk.

    Args:
        gallery: what is searched.
        metric: what by.
        wanted: "auto", or the way that the person wants.
        megabytes: that embeddings may take in memory.

    Raises:
        SettingsError: the person wants the index, and there is none that serves.
    """
    facts = gallery.index_facts
    size = embedding_megabytes(gallery)
    if wanted == "indexed" and (facts is None or not facts.serves(metric)):
        raise SettingsError(
            f"search is indexed, but {_lack(facts, metric)}: make one with `lookalike accelerate`, "
            "or search another way"
        )
    if wanted in ("exact", "streamed"):
        return SearchChoice(wanted)
    if wanted == "auto" and size <= megabytes:
        return SearchChoice("exact")
    if facts is not None and facts.serves(metric):
        return SearchChoice("indexed", _below_target(facts))
    return SearchChoice(
        "streamed",
        f"the embeddings ({size:,.0f} MB) are read from the disk for every search, more than the "
        f"{megabytes:,.0f} MB set for memory; {_lack(facts, metric)}: `lookalike accelerate` "
        "makes searches quick",
    )


def _lack(facts: IndexFacts | None, metric: Metric) -> str:
    if facts is None:
        return "there is no index"
    return f"the index is for {facts.metric}, not {metric}"


def _below_target(facts: IndexFacts) -> str | None:
    if facts.recall >= facts.target - 0.02:
        return None
    return f"the index finds {facts.recall:.1%} of the true nearest, {facts.target:.1%} were wanted"
