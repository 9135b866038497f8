"""What a new engine says of itself."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from lookalike.engine.folders import folder_names
from lookalike.engine.limiting import written_limits
from lookalike.engine.manifest import Counts, Manifest
from lookalike.engine.mounts import mounted_folders
from lookalike.engine.settings import BuildSettings
from lookalike.engine.sources import source_name
from lookalike.engine.stages import Trained
from lookalike.gallery import Gallery
from lookalike.images import Collection
from lookalike.models import get_preset

__all__ = ["describe"]

_LIBRARIES = (
    *("lookalike", "torch", "onnxruntime", "numpy", "pillow"),
    *("pylance", "faiss-cpu", "accelerate"),
)


def describe(
    collection: Collection,
    trained: Trained,
    settings: BuildSettings,
    gallery: Gallery | None,
    seconds: dict[str, float],
) -> Manifest:
    """Return the manifest of an engine that was just made."""
    preset = get_preset(settings.preset)
    used: dict[str, Any] = {**trained.settings, "device": str(trained.encoder.device)}
    return Manifest(
        preset=preset.name,
        settings=used,
        image=trained.encoder.image.as_dict(),
        metric=settings.metric or preset.metric,
        k=preset.k,
        seed=settings.seed,
        source=source_name(collection),
        root=str(collection.root.resolve()),
        next_id=0 if gallery is None else int(gallery.ids.max()) + 1,
        folders=folder_names(collection),
        mounts=mounted_folders(collection),
        counts=Counts(
            gallery=0 if gallery is None else len(gallery),
            train=trained.train,
            validation=trained.validation,
            queries=len(trained.cache.rows("test")),
            skipped=len(trained.cache.skipped),
        ),
        fingerprint=trained.encoder.fingerprint,
        versions=_versions(),
        timings=seconds,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        stopped_early=trained.record.stopped_early if trained.record else None,
        limits=written_limits(collection.limits),
    )


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
