"""The gallery: pictures' embeddings and facts, stored, filtered and searched.

One contract, one file per engine: an index takes embeddings and a metric, and its `search` gives
`Neighbours`. `INDEXES` names those there are.
"""

from __future__ import annotations

from lookalike.gallery.exact import ExactIndex, Neighbours
from lookalike.gallery.store import Gallery, GalleryRows, open_gallery, write_gallery

__all__ = [
    "INDEXES",
    "ExactIndex",
    "Gallery",
    "GalleryRows",
    "Neighbours",
    "open_gallery",
    "write_gallery",
]

INDEXES = {"exact": ExactIndex}
