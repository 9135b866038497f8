"""Training: the objectives, the loop, its checkpoints and its record.

The record is read without torch; the rest is imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lookalike.training.record import Epoch, TrainingRecord
from lookalike.training.split import split_rows, spread_rows

if TYPE_CHECKING:
    from lookalike.training.batches import batches, to_input
    from lookalike.training.budget import fit_to_seconds
    from lookalike.training.device import resolve_device
    from lookalike.training.loop import train
    from lookalike.training.objectives import OBJECTIVES

__all__ = [
    "OBJECTIVES",
    "Epoch",
    "TrainingRecord",
    "batches",
    "fit_to_seconds",
    "resolve_device",
    "split_rows",
    "spread_rows",
    "to_input",
    "train",
]

_LATER = {
    "OBJECTIVES": "objectives",
    "batches": "batches",
    "fit_to_seconds": "budget",
    "resolve_device": "device",
    "to_input": "batches",
    "train": "loop",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute can be anything
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
