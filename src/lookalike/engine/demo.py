"""The demonstration: 8,000 pictures that come with the package, 2,000 more as queries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookalike.engine.building import build
from lookalike.engine.facade import Engine
from lookalike.engine.looking import sample_queries
from lookalike.engine.measure import Evaluation
from lookalike.errors import EngineError
from lookalike.pictures import save
from lookalike.types import OnProgress, silent

__all__ = ["Demo", "run_demo"]

DATA = "fashion-mnist-10k"
GRID_HITS = 50


@dataclass(frozen=True)
class Demo:
    """What the demonstration made.

    Attributes:
        engine: the engine.
        evaluation: its metrics beside the baselines'.
        grid: one query with fifty hits.
        query: that query's path.
    """

    engine: Engine
    evaluation: Evaluation
    grid: Path
    query: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "engine": str(self.engine.layout.directory),
            "report": str(self.engine.layout.reports / "report.html"),
            "grid": str(self.grid),
            "query": self.query,
            "evaluation": self.evaluation.as_dict(),
        }

    def lines(self, program: str = "lookalike") -> list[str]:
        """Return what a person should look at next, one line each.

        Args:
            program: what to type to run the command line.
        """
        place, reports = self.engine.layout.directory, self.engine.layout.reports
        names = ("report.html", "neighbours.png", "reconstructions.png", "loss.png", "map.png")
        return [
            "Look at:",
            *(f"  {reports / name}" for name in names),
            f"  {self.grid}",
            "Search it, in a browser or here:",
            f"  {program} serve {place}",
            f"  {program} search {place} '{self.query}' -k 5",
        ]


def run_demo(output: Path, *, on_progress: OnProgress = silent) -> Demo:
    """Build, measure and search an engine; an earlier demonstration in `output` is replaced.

    Raises:
        EngineError: `output` holds something else.
    """
    place = output / "fashion.lookalike"
    if place.exists() and not (place / "manifest.json").exists():
        raise EngineError(f"{place} is not an engine and is left alone: choose another output")
    engine = build(DATA, place, overwrite=True, report=False, on_progress=on_progress)
    evaluation = engine.report(on_progress=on_progress).evaluation
    if evaluation is None:
        raise EngineError(f"{DATA} has lost its labels: install Lookalike again")
    (query,) = sample_queries(engine, 1)
    grid = output / "fifty-hits.png"
    save(engine.grid([engine.search(query, GRID_HITS)]), grid)
    return Demo(engine, evaluation, grid, query)
