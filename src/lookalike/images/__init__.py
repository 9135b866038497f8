"""Find pictures, decode them once, keep them ready for a network; and named data sets."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# These two are functions and modules of one name: they cannot wait.
from lookalike.images.crop import Crop, crop
from lookalike.images.decode import Decoded, decode, thumbnail
from lookalike.images.opening import Source

if TYPE_CHECKING:
    from lookalike.images.cache import PictureCache, decode_collection, fresh_cache, open_cache
    from lookalike.images.cache_update import CacheUpdate
    from lookalike.images.collection import Collection, Picture, Skipped
    from lookalike.images.datasets import DATASETS, Dataset, load_dataset
    from lookalike.images.finding import collection_state, find_pictures
    from lookalike.images.idx import read_idx, write_idx
    from lookalike.images.limits import IntakeLimits
    from lookalike.images.places import Places
    from lookalike.images.spec import Fit, ImageSpec

__all__ = [
    "DATASETS",
    "CacheUpdate",
    "Collection",
    "Crop",
    "Dataset",
    "Decoded",
    "Fit",
    "ImageSpec",
    "IntakeLimits",
    "Picture",
    "PictureCache",
    "Places",
    "Skipped",
    "Source",
    "collection_state",
    "crop",
    "decode",
    "decode_collection",
    "find_pictures",
    "fresh_cache",
    "load_dataset",
    "open_cache",
    "read_idx",
    "thumbnail",
    "write_idx",
]

# A search decodes one picture at most, and must not wait for what finds, fetches and keeps them.
_LATER = {
    "CacheUpdate": "cache_update",
    "Collection": "collection",
    "DATASETS": "datasets",
    "Dataset": "datasets",
    "Fit": "spec",
    "ImageSpec": "spec",
    "IntakeLimits": "limits",
    "Picture": "collection",
    "PictureCache": "cache",
    "Places": "places",
    "Skipped": "collection",
    "collection_state": "finding",
    "decode_collection": "cache",
    "find_pictures": "finding",
    "fresh_cache": "cache",
    "load_dataset": "datasets",
    "open_cache": "cache",
    "read_idx": "idx",
    "write_idx": "idx",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute may be anything
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
