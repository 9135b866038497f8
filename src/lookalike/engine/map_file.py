"""The places of a map on disk: one file, of one encoder and one gallery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from lookalike.storage import write_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from lookalike.engine.parts import EngineParts

__all__ = ["MapRecord", "keep_record", "places_file", "read_record"]

# To be raised when the same gallery gives another map than before.
VERSION = "1"


@dataclass(frozen=True, eq=False)
class MapRecord:
    """A map as it is kept, slot by slot.

    Attributes:
        ids: int64 (N,), of the pictures.
        contents: uint64 (N,), the first eight bytes of their digests.
        places: float32 (N, 2), in the unit square.
        placed: how many were placed among the others since the layout.
        seed: of the layout.
    """

    ids: NDArray[np.int64]
    contents: NDArray[np.uint64]
    places: NDArray[np.float32]
    placed: int
    seed: int


def places_file(engine: EngineParts) -> Path:
    """Return where the places are kept."""
    return engine.layout.map / "places.safetensors"


def keep_record(engine: EngineParts, record: MapRecord) -> None:
    """Write a map into the engine's directory; a crash leaves the one before it.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    arrays = {"ids": record.ids, "contents": record.contents, "places": record.places}
    facts = {**_identity(engine), "placed": str(record.placed), "seed": str(record.seed)}
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_bytes(places_file(engine), save(whole, metadata=facts))


def read_record(engine: EngineParts) -> MapRecord | None:
    """Return the map that is kept; None where there is none, a damaged or a foreign one."""
    try:
        with safe_open(str(places_file(engine)), "numpy") as file:
            facts = dict(file.metadata() or {})
            placed, seed = int(facts.pop("placed")), int(facts.pop("seed"))
            if facts != _identity(engine):
                return None
            ids, contents = file.get_tensor("ids"), file.get_tensor("contents")
            places = file.get_tensor("places")
    except (OSError, SafetensorError, KeyError, ValueError):
        return None
    fits = len(ids) == len(contents) == len(places) and places.shape[1:] == (2,)
    sound = fits and bool(np.isfinite(places).all()) and len(np.unique(ids)) == len(ids)
    return MapRecord(ids, contents, places, placed, seed) if sound else None


def _identity(engine: EngineParts) -> dict[str, str]:
    """Return what a map was made of; another gallery's is none, another state's is a start."""
    return {
        "format": "lookalike-map",
        "version": VERSION,
        "fingerprint": engine.manifest.fingerprint,
        "gallery": engine.gallery.lineage,
    }
