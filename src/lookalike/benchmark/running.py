"""A run of the suite, each benchmark in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookalike.benchmark.apart import run_apart
from lookalike.benchmark.outcome import Effort, Outcome
from lookalike.benchmark.suite import Machine, machine, select
from lookalike.benchmark.table import as_markdown, update_json, update_page
from lookalike.types import OnProgress, Progress, silent

__all__ = ["SuiteReport", "run_suite"]


@dataclass(frozen=True)
class SuiteReport:
    """What a run of the suite found.

    Attributes:
        outcomes: benchmark -> what it found.
        effort: what the run was allowed to cost.
        machine: what it ran on.
    """

    outcomes: Mapping[str, Outcome]
    effort: Effort
    machine: Machine

    def as_dict(self) -> dict[str, Any]:
        """Return what is written as JSON."""
        return {
            "machine": vars(self.machine),
            "quick": self.effort.quick,
            "seed": self.effort.seed,
            "benchmarks": {name: outcome.as_dict() for name, outcome in self.outcomes.items()},
        }


def run_suite(
    names: Sequence[str] = (),
    effort: Effort = Effort(),  # noqa: B008
    *,
    save: Path | None = None,
    page: Path | None = None,
    on_progress: OnProgress = silent,
) -> SuiteReport:
    """Run benchmarks one after the other; what is done is written at once.

    Args:
        names: some of `BENCHMARKS`; all without any.
        effort: what the run may cost.
        save: JSON file that the figures go into.
        page: Markdown page whose sections are written anew.
        on_progress: told which benchmark is done.

    Raises:
        SettingsError: there is no such benchmark, or a file to write holds something else.
        BenchmarkError: one of them failed.
        StorageError: a file cannot be written.
    """
    chosen, here = select(names), machine()
    outcomes: dict[str, Outcome] = {}
    for done, name in enumerate(chosen):
        on_progress(Progress(f"benchmark {name}", done, len(chosen)))
        outcomes[name] = run_apart(name, effort)
        if save is not None:
            update_json(save, SuiteReport({name: outcomes[name]}, effort, here).as_dict())
        if page is not None:
            update_page(page, name, _text(name, outcomes[name], page))
    return SuiteReport(outcomes, effort, here)


def _text(name: str, outcome: Outcome, page: Path) -> str:
    text = as_markdown(outcome)
    if name != "growth":
        return text
    from lookalike.benchmark.growth_plot import draw_growth
    from lookalike.pictures import save

    save(draw_growth(outcome.rows), page.with_name("growth.png"))
    return f"![Cost against the number of pictures, drawn](growth.png)\n\n{text}"
