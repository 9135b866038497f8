"""What the commands that draw print beside their picture: a table, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import typer

from lookalike.cli.show import PIPED_WIDTH, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from lookalike.engine.between import Between
    from lookalike.engine.clusters import Clusters
    from lookalike.engine.oddities import Oddities

__all__ = [
    "print_between",
    "print_clusters",
    "print_oddities",
    "print_table",
]

# Columns of numbers stand right, paths may run over several lines.
NUMBERS = {"version", "rank", "error", "× median", "cluster", "pictures", "share", "way", "score"}
PATHS = {"path", "most central"}


def print_oddities(found: Oddities, place: Path | None, *, as_json: bool) -> None:
    """Print the oddest pictures, the oddest first."""
    if as_json:
        _print_json(found.as_dict(), place)
        return
    rows = [
        (
            str(one.rank),
            f"{one.error:.4f}",
            "" if one.ratio is None else f"{one.ratio:.1f}",
            one.label or "",
            one.path,
        )
        for one in found.oddities
    ]
    title = f"{len(rows):,} oddest of {found.pictures:,} pictures, median error {found.median:.4f}"
    print_table(("rank", "error", "× median", "label", "path"), rows, title=title)
    _print_place(place)


def print_clusters(found: Clusters, place: Path | None, *, as_json: bool) -> None:
    """Print the clusters, the largest first, each with its most central picture."""
    if found.note:
        typer.echo(f"lookalike: {found.note}", err=True)
    if as_json:
        _print_json(found.as_dict(), place)
        return
    rows = [
        (
            str(one.rank),
            f"{one.size:,}",
            one.label or "",
            "" if one.share is None else f"{one.share:.0%}",
            one.members[0],
        )
        for one in found.clusters
    ]
    title = f"{len(rows):,} clusters of {found.pictures:,} pictures"
    print_table(("cluster", "pictures", "label", "share", "most central"), rows, title=title)
    _print_place(place)


def print_between(found: Between, place: Path | None, *, as_json: bool) -> None:
    """Print the steps from one picture to another."""
    if as_json:
        _print_json(found.as_dict(), place)
        return
    rows = [
        (f"{step.share:.0%}", f"{step.score:.4f}", step.label or "", step.path)
        for step in found.steps
    ]
    title = f"from {found.a} to {found.b}, the nearest in the gallery"
    print_table(("way", "score", "label", "path"), rows, title=title)
    _print_place(place)


def _print_json(values: dict[str, Any], place: Path | None) -> None:
    print_json({**values, "picture": None if place is None else str(place)})


def _print_place(place: Path | None) -> None:
    if place is not None:
        typer.echo(f"picture: {place}")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str) -> None:
    """Print rows of plain text under their columns; numbers stand right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title=Text(title), title_justify="left", title_style="")
    for column in columns:
        side: Literal["left", "right"] = "right" if column in NUMBERS else "left"
        table.add_column(column, justify=side, overflow="fold", no_wrap=column not in PATHS)
    for row in rows:
        table.add_row(*map(Text, row))  # a path may look like markup and must not be read as such
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(highlight=False, width=width).print(table)
