"""The gallery: pictures' embeddings and facts, stored, filtered, searched and grouped.

One contract, one file per engine: an index takes embeddings and a metric, and its `search` gives
`Neighbours`. `INDEXES` names those there are.
"""

from __future__ import annotations

from lookalike.gallery.changes import GalleryVersion, GalleryWriter, MovedRows
from lookalike.gallery.close import close_neighbours
from lookalike.gallery.clusters import Partition, k_means
from lookalike.gallery.exact import ExactIndex, Neighbours
from lookalike.gallery.groups import star_groups
from lookalike.gallery.rows import GalleryRows
from lookalike.gallery.store import (
    Gallery,
    newest_version,
    open_gallery,
    write_gallery,
)

__all__ = [
    "INDEXES",
    "ExactIndex",
    "Gallery",
    "GalleryRows",
    "GalleryVersion",
    "GalleryWriter",
    "MovedRows",
    "Neighbours",
    "Partition",
    "close_neighbours",
    "k_means",
    "newest_version",
    "open_gallery",
    "star_groups",
    "write_gallery",
]

INDEXES = {"exact": ExactIndex}
