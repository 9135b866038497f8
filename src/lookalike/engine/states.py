"""Earlier states of an engine's gallery."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lookalike.engine.decoded import match_cache
from lookalike.engine.exchange import recover_engine
from lookalike.engine.lock import writing
from lookalike.engine.manifest import Layout, read_manifest, write_manifest
from lookalike.engine.parts import EngineParts
from lookalike.engine.synced import forget_state
from lookalike.errors import EngineError
from lookalike.gallery import GalleryVersion, GalleryWriter, list_versions
from lookalike.images import CacheUpdate

__all__ = ["gallery_history", "restore_gallery"]


def gallery_history(engine: str | Path) -> list[GalleryVersion]:
    """Return the states of an engine's gallery that can be gone back to, the newest last.

    Raises:
        EngineError: there is no engine, or it has no gallery yet.
    """
    return list_versions(_layout(engine).gallery)


def restore_gallery(engine: str | Path, version: int) -> int:
    """Make an earlier state of the gallery the present one; return how many pictures it holds.

    The folder is not touched, so the next sync makes the gallery what the folder is again.

    Args:
        engine: the engine's directory.
        version: one of `gallery_history`.

    Raises:
        EngineError: there is no engine or gallery, or another process is changing it.
        GalleryError: there is no such version any more.
        StorageError: the disk is full or may not be written.
    """
    layout = _layout(engine)
    with writing(layout, "lookalike restore"):
        forget_state(layout)
        GalleryWriter(layout.gallery).restore(version)
        parts = EngineParts(layout.directory)
        counts = replace(parts.manifest.counts, gallery=len(parts.gallery))
        write_manifest(layout.manifest, replace(parts.manifest, counts=counts))
        if parts.cache is not None:
            match_cache(parts, CacheUpdate(parts.cache))
    return counts.gallery


def _layout(engine: str | Path) -> Layout:
    layout = Layout(Path(engine))
    recover_engine(layout)
    read_manifest(layout.manifest)
    if not layout.gallery.is_dir():
        raise EngineError(
            f"{layout.directory} has no gallery yet: run `lookalike index {layout.directory}`"
        )
    return layout
