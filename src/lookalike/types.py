"""The words that every part shares: metrics, hits, progress. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from lookalike.errors import SettingsError

__all__ = [
    "BANDS",
    "METRICS",
    "Band",
    "Hit",
    "Hits",
    "Metric",
    "OnProgress",
    "Progress",
    "check_metric",
    "silent",
]

Metric = Literal["euclidean", "cosine", "inner"]
METRICS: tuple[Metric, ...] = get_args(Metric)
Band = Literal["duplicate", "close", "related", "nothing"]
BANDS: tuple[Band, ...] = get_args(Band)


def check_metric(name: str) -> Metric:
    """Return `name` as a metric.

    Raises:
        SettingsError: `name` is not one of `METRICS`.
    """
    for metric in METRICS:
        if name == metric:
            return metric
    raise SettingsError(f"unknown metric {name!r}: wanted one of {', '.join(METRICS)}")


@dataclass(frozen=True)
class Hit:
    """One picture found.

    Attributes:
        rank: 1 is the closest.
        path: the picture's path in the gallery.
        score: higher is closer: minus the distance, the cosine or the inner product.
        distance: lower is closer: Euclidean distance, 1 - cosine, or minus the inner product.
        label: the picture's weak label, if it has one.
        probability: that the hit is the query's original or an edited copy of it, calibrated on
            this gallery; None without a calibration, as are the next two.
        percentile: how many of a hundred random pairs of this gallery are less alike.
        band: what that comes to, in a word of `BANDS`; "nothing" is nothing like it.
    """

    rank: int
    path: str
    score: float
    distance: float
    label: str | None = None
    probability: float | None = None
    percentile: float | None = None
    band: Band | None = None


@dataclass(frozen=True)
class Hits:
    """What one query found, closest first.

    Attributes:
        query: the query's path, or a name for a query given as bytes or array.
        hits: at most k hits.
        metric: the metric that ordered them.
        known: whether the gallery has the like of the query; None without a calibration.
        draw: makes the PNG that a notebook shows; set by the engine.
        asked: what the engine took the query for, from which grids are drawn; set by the engine.
    """

    query: str
    hits: tuple[Hit, ...]
    metric: Metric
    known: bool | None = None
    draw: Callable[[], bytes] | None = field(default=None, repr=False, compare=False)
    asked: Any = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        ranks = [hit.rank for hit in self.hits]
        if ranks != list(range(1, len(ranks) + 1)):
            raise SettingsError(f"ranks must run from 1 to {len(ranks)}, got {ranks}")

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __getitem__(self, position: int) -> Hit:
        return self.hits[position]

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the hits, closest first."""
        return tuple(hit.path for hit in self.hits)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "query": self.query,
            "metric": self.metric,
            "known": self.known,
            "hits": [asdict(hit) for hit in self.hits],
        }

    def _repr_png_(self) -> bytes | None:
        return self.draw() if self.draw else None


@dataclass(frozen=True)
class Progress:
    """How far a long job is.

    Attributes:
        stage: what is being done, in a few words ("decode", "train", "embed", ...).
        done: units finished.
        total: units there are; 0 when unknown.
        message: figures worth showing beside the bar, already formatted; may be empty.
    """

    stage: str
    done: int
    total: int
    message: str = ""


OnProgress = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Ignore `progress`: the default of every `on_progress`."""
