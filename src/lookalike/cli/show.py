"""What commands print: tables for people, JSON for programs; both to standard output."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from lookalike.engine import Engine
    from lookalike.engine.measure import Evaluation
    from lookalike.engine.searching import Found
    from lookalike.images import Dataset
    from lookalike.models import Preset, PresetSummary

__all__ = [
    "print_datasets",
    "print_evaluation",
    "print_hits",
    "print_info",
    "print_json",
    "print_lines",
    "print_made",
    "print_presets",
    "program_name",
]

# A table that is piped somewhere has no terminal to ask for its width.
PIPED_WIDTH = 140
# Of running text.
LINE = 80
# With fewer pictures there is nothing to learn and little to find.
FEW = 10


def program_name() -> str:
    """Return what runs this command line: its name, or its path where it is not on the PATH."""
    path = sys.argv[0]
    unreached = Path(path).stem == "lookalike" and not shutil.which("lookalike")
    return shlex.quote(path) if unreached else "lookalike"


def print_json(values: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print one JSON value on one line."""
    text = json.dumps(values, ensure_ascii=False)
    # Half a character, of a folder's name that is no UTF-8, becomes what JSON writes for it.
    typer.echo(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def print_lines(lines: Sequence[str]) -> None:
    """Print lines of text."""
    for line in lines:
        typer.echo(line)


def print_hits(found: Found, *, as_json: bool, grid: Path | None) -> None:
    """Print the hits of each query: a table, or one JSON object a line."""
    for note in found.notes:
        typer.echo(f"lookalike: {note}", err=True)
    if as_json:
        for hits in found.hits:
            print_json(hits.as_dict())
        return
    for hits in found.hits:
        if not hits:
            typer.echo(f"{hits.query}: nothing found")
            continue
        judged = ("copy", "band") if hits.known is not None else ()
        title = hits.query if hits.known is not False else f"{hits.query}: nothing like it here"
        table = _table("rank", "score", "distance", *judged, "label", "path", title=title)
        for hit in hits:
            _add(
                table,
                str(hit.rank),
                f"{hit.score:.4f}",
                f"{hit.distance:.4f}",
                *((f"{hit.probability or 0:.0%}", hit.band or "") if judged else ()),
                hit.label or "",
                hit.path,
            )
        _print(table)
    if grid is not None:
        typer.echo(f"grid: {grid}")


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the engine's metrics beside the baselines', the best of each column in bold."""
    table = _table("", *evaluation.columns, title=evaluation.protocol)
    best = {
        name: max(row.values[name] or 0.0 for row in evaluation.rows) for name in evaluation.columns
    }
    for row in evaluation.rows:
        cells = [
            _Figure(f"{row.values[name] or 0.0:.3f}", bold=row.values[name] == best[name])
            for name in evaluation.columns
        ]
        _add(table, row.name, *cells)
    _print(table)


def print_presets(presets: list[tuple[Preset, PresetSummary]], *, as_json: bool) -> None:
    """Print every preset; latent shapes are height × width × channels, or one number."""
    if as_json:
        print_json([_preset_facts(preset, summary) for preset, summary in presets])
        return
    table = _table("preset", "input", "latent", "encoder", "parameters", "metric")
    for preset, summary in presets:
        facts = _preset_facts(preset, summary)
        _add(
            table,
            preset.name,
            "×".join(map(str, facts["input_shape"])),
            "×".join(map(str, facts["latent_shape"])),
            f"{summary.encoder_parameters:,}",
            f"{summary.parameters:,}",
            preset.metric,
        )
    _print(table)
    for preset, _ in presets:
        training = preset.training
        how = f"{training.loss}, {training.epochs} epochs" if training else "nothing to train"
        typer.echo(f"{preset.name}: {preset.summary} ({how}, k {preset.k})")


def print_datasets(datasets: list[Dataset], *, as_json: bool) -> None:
    """Print every named data set, with licence and size."""
    if as_json:
        fields = ("name", "summary", "pictures", "size", "splits", "licence", "size_mb", "home_url")
        print_json([{field: getattr(one, field) for field in (*fields, "how")} for one in datasets])
        return
    table = _table("data set", "pictures", "MB", "licence")
    for one in datasets:
        megabytes = f"{one.size_mb:,.0f}" if one.size_mb else "shipped"
        _add(table, one.name, f"{one.pictures:,}", megabytes, one.licence)
    _print(table)
    for one in datasets:
        typer.echo(f"{one.name}: {one.summary}; {one.size}; {one.splits}; from: {one.how}")


def print_info(facts: dict[str, Any], *, as_json: bool) -> None:
    """Print what an engine says of itself."""
    if as_json:
        print_json(facts)
        return
    for name, value in _flat(facts):
        if isinstance(value, list) and value and isinstance(value[0], str):
            typer.echo(f"{name}:")
            print_lines([f"  {line}" for line in value])
        else:
            typer.echo(f"{name:<36} {value}")


def _flat(facts: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give names and values, those of inner dictionaries behind their outer's name."""
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def print_made(engine: Engine, *, as_json: bool, indexed: bool = False) -> None:
    """Say what was made and what can be done with it.

    Args:
        engine: the engine.
        as_json: print JSON instead.
        indexed: only the gallery is new: a report that is there is of before.
    """
    counts = engine.manifest.counts
    pictures = max(counts.gallery, counts.train)
    if pictures < FEW:
        number = "a single picture" if pictures == 1 else f"only {pictures} pictures"
        typer.echo(
            f"lookalike: {number}: too few to learn from, {FEW} or more make a search engine",
            err=True,
        )
    if as_json:
        print_json(engine.info())
        return
    run, place = program_name(), shlex.quote(str(engine.layout.directory))
    skipped = f", {counts.skipped:,} skipped" if counts.skipped else ""
    typer.echo(f"{place}: {counts.gallery:,} pictures to search{skipped}")
    if counts.skipped:
        typer.echo(f"  skipped files and why: {run} info {place} --skipped")
    if not counts.gallery:
        typer.echo(f"  next: {run} index {place}")
        return
    choice = engine.choice()
    if choice and not indexed:
        _print_wrapped(choice.sentence)
    words = engine.sentence()
    if words and not indexed:
        _print_wrapped(words)
    report = engine.layout.reports / "report.html"
    if report.exists() and not indexed:
        typer.echo(f"  report: {report}")
    else:
        state = " (the one that is there is of before)" if report.exists() else ""
        typer.echo(f"  report: {run} report {place}{state}")
    typer.echo(f"  search: {run} search {place} PICTURE")
    typer.echo(f"  in a browser: {run} serve {place} --open")
    typer.echo(f"  when the folder's pictures have changed: {run} sync {place}")


def _print_wrapped(text: str) -> None:
    print_lines(textwrap.wrap(text, LINE, initial_indent="  ", subsequent_indent="  "))


def _preset_facts(preset: Preset, summary: PresetSummary) -> dict[str, Any]:
    training = preset.training
    return {
        "name": preset.name,
        "summary": preset.summary,
        "source": preset.source,
        "input_shape": _height_width_channels(summary.input_shape),
        "latent_shape": _height_width_channels(summary.latent_shape),
        "latent_size": summary.latent_size,
        "flatten": summary.flatten,
        "encoder_parameters": summary.encoder_parameters,
        "parameters": summary.parameters,
        "loss": training.loss if training else None,
        "optimizer": training.optimizer if training else None,
        "learning_rate": training.learning_rate if training else None,
        "epochs": training.epochs if training else None,
        "batch_size": training.batch_size if training else None,
        "patience": training.patience if training else None,
        "metric": preset.metric,
        "k": preset.k,
        "whiten": preset.whiten,
        "pretrained": preset.pretrained,
        "extra": preset.extra,
    }


def _height_width_channels(shape: tuple[int, ...]) -> list[int]:
    return [*shape[1:], shape[0]] if len(shape) == 3 else list(shape)


def _table(*columns: str, title: str | None = None) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD,
        title=Text(title) if title else None,
        title_justify="left",
        title_style="",
    )
    numbers = {"rank", "score", "distance", "copy", "pictures", "MB", "encoder", "parameters"}
    for column in columns:
        right = column in numbers or "@" in column or column == "k"
        table.add_column(
            column, justify="right" if right else "left", overflow="fold", no_wrap=column != "path"
        )
    return table


class _Figure(str):
    """A cell's text, in bold or not."""

    bold: bool

    def __new__(cls, text: str, *, bold: bool) -> _Figure:
        cell = super().__new__(cls, text)
        cell.bold = bold
        return cell


def _add(table: Table, *cells: str) -> None:
    """Add a row of plain texts: a path may look like markup and must not be read as such."""
    from rich.text import Text

    table.add_row(
        *(Text(cell, style="bold" if getattr(cell, "bold", False) else "") for cell in cells)
    )


def _print(table: Table) -> None:
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(highlight=False, width=width).print(table)
