"""The gallery: pictures' embeddings and facts, stored, filtered, searched and grouped.

One contract, `SearchIndex`, one file per engine: `ExactIndex` in memory, `GraphIndex` by an index
on the disk, `StreamedIndex` from the disk without one. `choose_search` says which is used when.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lookalike.gallery.changes import GalleryWriter, MovedRows
    from lookalike.gallery.choice import (
        EXACT_MEGABYTES,
        SEARCHES,
        Search,
        SearchChoice,
        SearchWith,
        check_search,
        choose_search,
        embedding_megabytes,
    )
    from lookalike.gallery.close import close_neighbours
    from lookalike.gallery.clusters import Partition, k_means
    from lookalike.gallery.exact import ExactIndex
    from lookalike.gallery.facts import IndexFacts
    from lookalike.gallery.graph import GraphIndex
    from lookalike.gallery.groups import star_groups
    from lookalike.gallery.history import GalleryVersion, list_versions
    from lookalike.gallery.indexing import FEWEST, RECALL, build_index, follow_index, measure_index
    from lookalike.gallery.neighbours import Neighbours, SearchIndex
    from lookalike.gallery.opened import Gallery
    from lookalike.gallery.rows import STORES, GalleryRows, Store, check_store
    from lookalike.gallery.store import open_gallery, write_gallery
    from lookalike.gallery.streamed import StreamedIndex
    from lookalike.gallery.versions import count_states, newest_version

__all__ = [
    "EXACT_MEGABYTES",
    "FEWEST",
    "RECALL",
    "SEARCHES",
    "STORES",
    "ExactIndex",
    "Gallery",
    "GalleryRows",
    "GalleryVersion",
    "GalleryWriter",
    "GraphIndex",
    "IndexFacts",
    "MovedRows",
    "Neighbours",
    "Partition",
    "Search",
    "SearchChoice",
    "SearchIndex",
    "SearchWith",
    "Store",
    "StreamedIndex",
    "build_index",
    "check_search",
    "check_store",
    "choose_search",
    "close_neighbours",
    "count_states",
    "embedding_megabytes",
    "follow_index",
    "k_means",
    "list_versions",
    "measure_index",
    "newest_version",
    "open_gallery",
    "star_groups",
    "write_gallery",
]

# A sync of nothing new asks for the newest version only, and must not import what searches.
_LATER = {
    "list_versions": "history",
    "close_neighbours": "close",
    "star_groups": "groups",
    "EXACT_MEGABYTES": "choice",
    "ExactIndex": "exact",
    "FEWEST": "indexing",
    "Gallery": "opened",
    "GalleryRows": "rows",
    "GalleryVersion": "history",
    "GalleryWriter": "changes",
    "GraphIndex": "graph",
    "IndexFacts": "facts",
    "MovedRows": "changes",
    "Neighbours": "neighbours",
    "Partition": "clusters",
    "RECALL": "indexing",
    "SEARCHES": "choice",
    "STORES": "rows",
    "Search": "choice",
    "SearchChoice": "choice",
    "SearchIndex": "neighbours",
    "SearchWith": "choice",
    "Store": "rows",
    "StreamedIndex": "streamed",
    "build_index": "indexing",
    "check_search": "choice",
    "check_store": "rows",
    "choose_search": "choice",
    "count_states": "versions",
    "embedding_megabytes": "choice",
    "follow_index": "indexing",
    "k_means": "clusters",
    "measure_index": "indexing",
    "newest_version": "versions",
    "open_gallery": "store",
    "write_gallery": "store",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute may be anything
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
