"""How a preset was chosen: the candidates' figures, kept with the engine."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lookalike.engine.manifest import Layout
from lookalike.errors import SettingsError
from lookalike.storage import storage_errors, write_text

__all__ = ["Candidate", "Choice", "keep_choice", "read_choice"]


@dataclass(frozen=True)
class Candidate:
    """How a preset did.

    Attributes:
        preset: its name.
        score: what it is compared by, higher is better.
        seconds: of its short training.
    """

    preset: str
    score: float
    seconds: float


@dataclass(frozen=True)
class Choice:
    """Which preset was chosen, and why.

    Attributes:
        candidates: the best first.
        measure: what `score` is.
        pictures: that they were trained on.
        queries: pictures held out that they were compared with.
        missing: presets that could not be tried, each with the reason in brackets.
        unused: settings of the build that the preset chosen has no use for.
        conditions: what it was chosen for: the pictures' source and the settings that matter.
    """

    candidates: tuple[Candidate, ...]
    measure: str
    pictures: int
    queries: int
    missing: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    conditions: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        scores = [candidate.score for candidate in self.candidates]
        if not scores or scores != sorted(scores, reverse=True):
            raise SettingsError(f"candidates have scores {scores}: wanted some, the best first")

    @property
    def preset(self) -> str:
        """The one chosen."""
        return self.candidates[0].preset

    @property
    def sentence(self) -> str:
        """What was chosen and why, for people."""
        scores = ", ".join(f"{one.preset} {one.score:.3f}" for one in self.candidates)
        without = f"; not tried: {', '.join(self.missing)}" if self.missing else ""
        unused = f"; {' and '.join(self.unused)} left out: it comes trained" if self.unused else ""
        return (
            f"chose {self.preset}: {self.measure} of {self.queries:,} pictures held out, after "
            f"short trainings on {self.pictures:,} others: {scores}{without}{unused}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {"preset": self.preset, **asdict(self)}


def keep_choice(layout: Layout, choice: Choice | None) -> None:
    """Write the choice to the engine's other figures; none removes one that is there."""
    if choice is not None:
        write_text(_place(layout), json.dumps(choice.as_dict(), indent=2) + "\n")
        return
    with storage_errors(layout.reports):
        _place(layout).unlink(missing_ok=True)


def read_choice(layout: Layout) -> Choice | None:
    """Return the choice that an engine was built by, if it was."""
    try:
        values = json.loads(_place(layout).read_text(encoding="utf-8"))
        values.pop("preset")
        candidates = tuple(Candidate(**one) for one in values.pop("candidates"))
        missing, unused = tuple(values.pop("missing")), tuple(values.pop("unused", ()))
        return Choice(candidates, missing=missing, unused=unused, **values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _place(layout: Layout) -> Path:
    return layout.reports / "choice.json"
