"""Find pictures, decode them once, keep them ready for a network; and named data sets."""

from __future__ import annotations

from lookalike.images.cache import PictureCache, decode_collection, fresh_cache, open_cache
from lookalike.images.cache_update import CacheUpdate
from lookalike.images.collection import Collection, Picture, Skipped
from lookalike.images.crop import Crop, crop
from lookalike.images.datasets import DATASETS, Dataset, load_dataset
from lookalike.images.decode import Decoded, Source, decode, thumbnail
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
