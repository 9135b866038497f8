"""A training that was interrupted: what is kept of it, and how to go on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookalike.engine.manifest import Layout
from lookalike.errors import EngineError
from lookalike.storage import write_text

__all__ = ["Unfinished", "find_unfinished", "keep_plan", "refuse_to_discard"]


@dataclass(frozen=True)
class Unfinished:
    """A training that can go on.

    Attributes:
        directory: where it is kept.
        epoch: the last epoch that is kept.
        plan: what the training was to be, as `keep_plan` wrote it; may be empty.
    """

    directory: Path
    epoch: int
    plan: dict[str, Any]

    def __str__(self) -> str:
        epochs = f" of {self.plan['epochs']}" if "epochs" in self.plan else ""
        return (
            f"an interrupted training (epoch {self.epoch}{epochs}) is kept in {self.directory}: "
            "go on with resume (--resume), or start over with overwrite (--overwrite)"
        )


def keep_plan(layout: Layout, plan: dict[str, Any]) -> None:
    """Write beside the checkpoint what the training is to be."""
    write_text(layout.plan, json.dumps(plan, indent=2) + "\n")


def find_unfinished(layout: Layout) -> Unfinished | None:
    """Return the training that was interrupted in `layout`; None where there is none."""
    state = _read(layout.checkpoint / "checkpoint.json")
    if state is None or not isinstance(state.get("epoch"), int):
        return None
    return Unfinished(layout.directory, state["epoch"], _read(layout.plan) or {})


def refuse_to_discard(layout: Layout) -> None:
    """Raise where a new training would discard an interrupted one.

    Raises:
        EngineError: there is an interrupted training.
    """
    unfinished = find_unfinished(layout)
    if unfinished is not None:
        raise EngineError(str(unfinished))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # what cannot be read cannot be gone on with
        return None
    return values if isinstance(values, dict) else None
