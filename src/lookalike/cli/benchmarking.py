"""`lookalike benchmark`: how fast it is here, beside its peers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from lookalike.cli import options as o
from lookalike.cli.app import app
from lookalike.cli.show import print_json, print_lines

__all__ = ["benchmark"]


@app.command()
def benchmark(
    names: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Argument(
            metavar="[NAME...]",
            help="Which ones; see docs/performance.md.  [default: all]",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small and short: shows that it runs, measures little.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of what is made up.")] = 0,
    save: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="Also write the figures into this JSON file."),
    ] = None,
    page: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="Also write the tables into this Markdown page."),
    ] = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Measure the speed here: ours and its peers in turn, as ratios."""
    from lookalike.benchmark.outcome import Effort
    from lookalike.benchmark.running import run_suite
    from lookalike.benchmark.table import as_markdown
    from lookalike.cli.progress import show_progress

    with show_progress(quiet=quiet) as on_progress:
        report = run_suite(
            names or (), Effort(quick, seed), save=save, page=page, on_progress=on_progress
        )
    if as_json:
        print_json(report.as_dict())
        return
    for name, outcome in report.outcomes.items():
        print_lines(["", f"## {name}", "", *as_markdown(outcome).splitlines()])
