"""The pictures that an engine decoded when it was made, found again by their gallery places."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import EngineError

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts
    from lookalike.images import CacheUpdate, PictureCache

__all__ = ["cache_matches", "cache_rows", "cached_gallery", "match_cache", "require_decoder"]


def cached_gallery(engine: EngineParts) -> tuple[PictureCache, NDArray[np.int64]]:
    """Return the decoded pictures, and the rows (N,) of the gallery's N pictures among them.

    Raises:
        EngineError: they are gone, or are not those of this gallery.
    """
    cache = engine.cache
    rows = [] if cache is None else [cache.position(path) for path in engine.gallery.paths]
    if cache is not None and None not in rows and not cache_matches(engine):
        raise EngineError(
            f"the decoded pictures of {engine.layout.directory} are of before its last change: "
            f"run `lookalike sync {shlex.quote(str(engine.layout.directory))}`"
        )
    if cache is None or None in rows:
        place = engine.layout.directory
        raise EngineError(
            f"the decoded pictures of {place} are gone: "
            f"bring them back with `lookalike index {shlex.quote(str(place))}`"
        )
    return cache, np.array(rows, np.int64)


def cache_rows(engine: EngineParts, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows among the decoded pictures of some places of the gallery.

    -1 stands for a picture that is not there, or there as it was before its file was changed.
    """
    cache, gallery = engine.cache, engine.gallery
    rows = np.full(len(places), -1, np.int64)
    if cache is None:
        return rows
    for number, (place, path) in enumerate(
        zip(places.tolist(), gallery.paths_at(places), strict=True)
    ):
        row = cache.position(path)
        if row is not None and cache.sha256[row] == gallery.sha256[place]:
            rows[number] = row
    return rows


def require_decoder(engine: EngineParts, what: str) -> None:
    """Raise where the encoder has no decoder.

    Args:
        engine: the engine.
        what: what needs one, for the message.

    Raises:
        EngineError: it names a preset that has one.
    """
    if not engine.encoder.decodes:
        raise EngineError(
            f"preset {engine.manifest.preset} has no decoder, and {what} needs one: "
            "build with another preset, such as twin"
        )


def cache_matches(engine: EngineParts) -> bool:
    """Whether the decoded pictures are those of the gallery, under their paths."""
    cache, gallery = engine.cache, engine.gallery
    if cache is None:
        return False
    rows = [cache.position(path) for path in gallery.paths]
    return all(
        row is not None and cache.sha256[row] == sha256
        for row, sha256 in zip(rows, gallery.sha256, strict=True)
    )


def match_cache(engine: EngineParts, update: CacheUpdate) -> None:
    """Make the decoded pictures those of the gallery, and of the queries kept beside it.

    Args:
        engine: with the gallery as it is now.
        update: of the engine's cache; what the gallery lacks in it stays lacking.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    gallery = engine.gallery
    columns = {
        "paths": gallery.paths,
        "labels": gallery.labels,
        "splits": gallery.splits,
        "widths": gallery.widths.tolist(),
        "heights": gallery.heights.tolist(),
        "file_sizes": gallery.file_sizes.tolist(),
        "modified": gallery.modified.tolist(),
        "sha256": gallery.sha256,
    }
    facts = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    update.commit(facts, update.cache.rows("test").tolist())
