"""What a benchmark found: its contests, other figures, and the bars it is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lookalike.benchmark.contest import Contest

__all__ = ["Bar", "Effort", "Outcome"]


@dataclass(frozen=True)
class Effort:
    """How much a run of the suite may cost.

    Attributes:
        quick: small sizes and few rounds: shows that all works, its figures mean little.
        seed: of whatever is made up.
    """

    quick: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Bar:
    """A figure that was asked for, and what was measured.

    Attributes:
        what: what is measured, such as `one query, times faiss flat`.
        wanted: what was asked for, such as `≤ 1.1`.
        got: what was measured, such as `0.98 (0.91 to 1.05)`.
        met: whether that is enough.
    """

    what: str
    wanted: str
    got: str
    met: bool


@dataclass(frozen=True)
class Outcome:
    """What one benchmark found.

    Attributes:
        contests: ours and its peers, piece of work by piece of work.
        bars: what was asked for.
        figures: other things measured: name -> figure, with its unit in the name.
        absent: peers that are not installed or not possible here, and so did not take part.
        rows: a table of its own, such as cost by size; each row of the same columns.
    """

    contests: tuple[Contest, ...] = ()
    bars: tuple[Bar, ...] = ()
    figures: Mapping[str, float | int | str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    rows: tuple[Mapping[str, float | int | str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return what is written as JSON."""
        return {
            "contests": [contest.as_dict() for contest in self.contests],
            "bars": [vars(bar) for bar in self.bars],
            "figures": dict(self.figures),
            "absent": list(self.absent),
            "rows": [dict(row) for row in self.rows],
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Outcome:
        """Return what was written by `as_dict`."""
        contests = tuple(Contest.from_dict(one) for one in found["contests"])
        bars = tuple(Bar(**bar) for bar in found["bars"])
        return cls(contests, bars, found["figures"], tuple(found["absent"]), tuple(found["rows"]))
