"""What an engine's directory tells of how it was made, and of what was left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lookalike.errors import EngineError

if TYPE_CHECKING:
    from lookalike.engine.choice import Choice
    from lookalike.engine.manifest import Layout, Manifest
    from lookalike.images import Skipped
    from lookalike.training import TrainingRecord

__all__ = ["EngineRecords"]


class EngineRecords:
    """The records of an engine: they are read each time they are asked for."""

    layout: Layout
    manifest: Manifest

    def history(self) -> TrainingRecord | None:
        """Return the losses of every epoch; None for an encoder that came trained."""
        from lookalike.training import TrainingRecord

        place = self.layout.reports / "history.csv"
        early = bool(self.manifest.stopped_early)
        return TrainingRecord.read_csv(place, stopped_early=early) if place.exists() else None

    def skipped(self) -> tuple[Skipped, ...]:
        """Return the files that could not be read, each with its reason.

        Raises:
            EngineError: the list of them is damaged.
        """
        from lookalike.images import Skipped

        place = self.layout.skipped
        if not place.exists():
            return ()
        try:
            listed = json.loads(place.read_text(encoding="utf-8"))
            return tuple(Skipped(one["path"], one["reason"]) for one in listed)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise EngineError(
                f"{place} is damaged ({error}): delete it, or write it again with "
                f"`lookalike index {self.layout.directory}`"
            ) from error

    def choice(self) -> Choice | None:
        """Return how the preset was chosen; None where it was named."""
        from lookalike.engine.choice import read_choice

        return read_choice(self.layout)

    def sentence(self) -> str | None:
        """Return what the engine is good at and what it is not; None before its report is made."""
        place = self.layout.reports / "card.json"
        try:
            return str(json.loads(place.read_text(encoding="utf-8"))["sentence"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
