"""An engine's calibration on disk: it belongs to one encoder and one gallery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from lookalike.errors import StorageError
from lookalike.search import Calibration

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts

__all__ = ["FEWEST", "keep_calibration", "read_calibration"]

FEWEST = 50
"""Different pictures that a gallery needs for a calibration."""

VERSION = "3"  # of the file
PICTURES = "pictures"


def keep_calibration(engine: EngineParts, calibration: Calibration) -> None:
    """Write a calibration into the engine's directory, beside the gallery that it is of.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    place = engine.layout.calibration
    beside = place.with_name(place.name + ".new")
    try:
        facts = {**_identity(engine), PICTURES: str(len(engine.gallery))}
        save_file(calibration.arrays(), beside, metadata=facts)
        beside.replace(place)
    except (OSError, SafetensorError) as error:
        raise StorageError(f"cannot write {place}: {error}") from error


def read_calibration(engine: EngineParts) -> Calibration | None:
    """Return the calibration of an engine; None if there is none that belongs to its gallery.

    A gallery that is synced keeps its calibration until it has doubled or halved.
    """
    try:
        with safe_open(engine.layout.calibration, "numpy") as file:
            facts = dict(file.metadata() or {})
            fitted_on = int(facts.pop(PICTURES))
            if facts != _identity(engine) or not _is_near(fitted_on, len(engine.gallery)):
                return None
            return Calibration.from_arrays({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError):
        return None


def _is_near(before: int, now: int) -> bool:
    return before < 2 * now and now < 2 * before


def _identity(engine: EngineParts) -> dict[str, str]:
    """Return what a calibration was fitted on; another gallery's is none."""
    return {
        "version": VERSION,
        "fingerprint": engine.manifest.fingerprint,
        "gallery": engine.gallery.lineage,
        "metric": engine.manifest.metric,
    }
