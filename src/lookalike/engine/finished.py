"""A build whose engine is there and whose report is not: how it is gone on with."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lookalike.engine.exchange import recover_engine
from lookalike.engine.folders import folder_names
from lookalike.engine.limiting import limits_of
from lookalike.engine.manifest import Layout, read_manifest
from lookalike.engine.settings import BuildSettings
from lookalike.engine.sources import source_name
from lookalike.errors import TrainingStopped
from lookalike.images import Collection
from lookalike.storage import storage_errors

__all__ = ["is_finished", "leaving_the_engine"]


def is_finished(layout: Layout, settings: BuildSettings, collection: Collection) -> bool:
    """Whether the engine that a build is to make is there: only its report may be missing.

    Args:
        layout: of the engine.
        settings: what was chosen for the build; the device does not count.
        collection: the pictures.

    Raises:
        EngineError: the manifest that is there cannot be read.
    """
    recover_engine(layout)
    with storage_errors(layout.partial):
        if not layout.manifest.exists() or layout.partial.exists():
            return False
    manifest = read_manifest(layout.manifest)
    before = _without_device(manifest.settings.get("chosen", {}))
    same = before == _without_device(settings.chosen())
    same &= manifest.source == source_name(collection)
    same &= manifest.folders == folder_names(collection)
    same &= limits_of(manifest) == collection.limits
    return same and manifest.counts.gallery > 0


@contextmanager
def leaving_the_engine(layout: Layout) -> Iterator[None]:
    """Turn Ctrl-C while the report is written into an error that says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        place = shlex.quote(str(layout.directory))
        raise TrainingStopped(
            f"stopped while the report was written; the engine in {layout.directory} is finished: "
            f"write the report with `lookalike report {place}`, "
            "or build it again with resume (--resume)"
        ) from None


def _without_device(chosen: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in chosen.items() if name != "device"}
