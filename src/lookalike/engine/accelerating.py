"""The index for galleries larger than memory: on request, and of itself past a size."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lookalike.engine.exchange import recover_engine
from lookalike.engine.footprint import Footprint, footprint
from lookalike.engine.lock import writing
from lookalike.engine.manifest import Layout, Manifest, read_manifest
from lookalike.engine.memory import keep_memory, read_memory
from lookalike.engine.parts import EngineParts
from lookalike.errors import EngineError, SettingsError
from lookalike.gallery import (
    FEWEST,
    RECALL,
    GalleryWriter,
    IndexFacts,
    build_index,
    embedding_megabytes,
    follow_index,
    open_gallery,
)
from lookalike.types import OnProgress, check_metric, silent

__all__ = ["Accelerated", "accelerate_engine", "has_index", "keep_index"]


@dataclass(frozen=True)
class Accelerated:
    """What an engine is searched by, after that was changed.

    Attributes:
        footprint: of the engine now.
        built: whether an index was built.
    """

    footprint: Footprint
    built: bool

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {"built": self.built, **asdict(self.footprint)}


def accelerate_engine(
    engine: str | Path,
    *,
    recall: float = RECALL,
    memory: float | None = None,
    remove: bool = False,
    on_progress: OnProgress = silent,
) -> Accelerated:
    """Build the index of an engine's gallery, and measure it; or set when it is used.

    Args:
        engine: the engine's directory.
        recall: share of the true 10 nearest to be found.
        memory: megabytes that embeddings may take: galleries up to that are searched exactly in
            memory, larger ones by the index. It is kept with the engine, and no index is built
            where the gallery stays below. None leaves it as it is, and builds the index.
        remove: forget the index instead.
        on_progress: told what is being done.

    Raises:
        EngineError: there is no engine or gallery, or another process is changing it.
        GalleryError: the gallery is too small for an index.
        SettingsError: the settings do not go together, or are out of range.
        StorageError: the disk is full or may not be written.
    """
    layout = Layout(Path(engine))
    recover_engine(layout)
    manifest = read_manifest(layout.manifest)
    if not layout.gallery.is_dir():
        raise EngineError(
            f"{layout.directory} has no gallery yet: run `lookalike index {layout.directory}`"
        )
    if remove and memory is not None:
        raise SettingsError("remove forgets the index and memory may build one: leave one out")
    with writing(layout, "lookalike accelerate"):
        if memory is not None:
            keep_memory(layout, memory)
        built = False
        if remove:
            if open_gallery(layout.gallery).has_index:
                GalleryWriter(layout.gallery).drop_index()
        elif memory is None or _is_large(layout, memory):
            metric = check_metric(manifest.metric)
            build_index(layout.gallery, metric, recall=recall, on_progress=on_progress)
            built = True
    return Accelerated(footprint(EngineParts(layout.directory)), built)


def has_index(layout: Layout) -> bool:
    """Return whether an engine's gallery has an index."""
    return layout.gallery.is_dir() and open_gallery(layout.gallery).index_facts is not None


def keep_index(
    layout: Layout,
    manifest: Manifest,
    *,
    memory: float | None = None,
    wanted: bool = False,
    on_progress: OnProgress = silent,
) -> IndexFacts | None:
    """Bring the index of a gallery that has changed up to date; build one past the size for it.

    Args:
        layout: of the engine; the caller is the one that changes it.
        manifest: the engine's.
        memory: megabytes that embeddings may take; None for what is set there.
        wanted: build one whatever the size, where there are pictures enough.
        on_progress: told what is being done.

    Returns:
        What is known of the index; None where there is none.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    allowed = read_memory(layout) if memory is None else memory
    facts = follow_index(layout.gallery, on_progress=on_progress)
    if facts is not None or not (wanted or _is_large(layout, allowed)):
        return facts
    if len(open_gallery(layout.gallery)) < FEWEST:
        return None
    return build_index(layout.gallery, check_metric(manifest.metric), on_progress=on_progress)


def _is_large(layout: Layout, megabytes: float) -> bool:
    return embedding_megabytes(open_gallery(layout.gallery)) > megabytes
