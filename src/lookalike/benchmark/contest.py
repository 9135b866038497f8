"""Several ways to do one piece of work, timed in turn in one run, as ratios to ours."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lookalike.errors import SettingsError

__all__ = ["Contest", "Spread", "Way", "compete"]


@dataclass(frozen=True)
class Spread:
    """A median over the rounds, and the lowest and the highest of them."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        """Write as `2.1 (1.9 to 2.4)`."""
        return f"{_figure(self.median)} ({_figure(self.low)} to {_figure(self.high)})"


@dataclass(frozen=True)
class Way:
    """One way to do the work.

    Attributes:
        name: what it is, such as `faiss flat`.
        seconds: what it took, round by round.
    """

    name: str
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Contest:
    """What the ways to do one piece of work took, round by round.

    Attributes:
        what: the work, with its size, such as `top 10 of 100,000 × 128, one query`.
        unit: what is counted, such as `images`.
        amount: units that one round of one way does.
        ours: the name of our way.
        ways: ours and its peers; all of as many rounds.
    """

    what: str
    unit: str
    amount: float
    ours: str
    ways: tuple[Way, ...]

    def __post_init__(self) -> None:
        rounds = {len(way.seconds) for way in self.ways}
        if len(rounds) != 1 or 0 in rounds or self.ours not in {way.name for way in self.ways}:
            raise SettingsError(f"{self.what}: ways of as many rounds each, and ours among them")

    def way(self, name: str) -> Way:
        """Return one way by its name."""
        return next(way for way in self.ways if way.name == name)

    def ratio(self, name: str, to: str | None = None) -> Spread:
        """Return how many times as long as ours one way took, over the rounds.

        Args:
            name: the way asked about.
            to: the way it is held against; None for ours.
        """
        pairs = zip(self.way(name).seconds, self.way(to or self.ours).seconds, strict=True)
        return _spread([theirs / ours for theirs, ours in pairs])

    def rate(self, name: str) -> Spread:
        """Return the units per second of one way, over the rounds."""
        return _spread([self.amount / seconds for seconds in self.way(name).seconds])

    def as_dict(self) -> dict[str, Any]:
        """Return what is written as JSON."""
        return {
            "what": self.what,
            "unit": self.unit,
            "amount": self.amount,
            "ours": self.ours,
            "ways": {
                way.name: {
                    "seconds": list(way.seconds),
                    "per_second": vars(self.rate(way.name)),
                    "times_ours": vars(self.ratio(way.name)),
                }
                for way in self.ways
            },
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Contest:
        """Return what was written by `as_dict`."""
        ways = tuple(Way(name, tuple(way["seconds"])) for name, way in found["ways"].items())
        return cls(found["what"], found["unit"], found["amount"], found["ours"], ways)


def compete(
    what: str,
    ways: Mapping[str, Callable[[], object]],
    *,
    ours: str,
    unit: str,
    amount: float,
    rounds: int,
    warm: int = 1,
    repeats: int = 1,
) -> Contest:
    """Time each way in turn, round after round.

    Each round begins with another way, so that none always follows the same one.

    Args:
        what: the work, with its size.
        ways: name -> does all of the work once.
        ours: the name of our way.
        unit: what is counted, such as `images`.
        amount: units that one call does.
        rounds: how often each way is timed.
        warm: calls of each way before the first round, which do not count.
        repeats: calls in one round, of which the quickest counts: for work of milliseconds.
    """
    for _ in range(warm):
        for work in ways.values():
            work()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(min(_timed(ways[name]) for _ in range(repeats)))
    timed = tuple(Way(name, tuple(values)) for name, values in seconds.items())
    return Contest(what, unit, amount, ours, timed)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _spread(values: list[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))


def _figure(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
