"""The figures of a run as Markdown and JSON; sections of a page that are written anew."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lookalike.benchmark.contest import Contest
from lookalike.benchmark.outcome import Outcome
from lookalike.errors import SettingsError
from lookalike.storage import write_text

__all__ = ["as_markdown", "update_json", "update_page"]


def as_markdown(outcome: Outcome) -> str:
    """Return the tables of one benchmark: its bars, its contests, its rows, what was absent."""
    parts = [_bars(outcome), *(_contest(contest) for contest in outcome.contests)]
    if outcome.rows:
        names = list(outcome.rows[0])
        parts.append(_table(names, ([_cell(row[name]) for name in names] for row in outcome.rows)))
    if outcome.figures:
        parts.append("\n".join(f"- {name}: {_cell(it)}" for name, it in outcome.figures.items()))
    if outcome.absent:
        parts.append(f"Not to be had here, so not in the run: {', '.join(outcome.absent)}.")
    return "\n\n".join(part for part in parts if part)


def update_page(page: Path, name: str, text: str) -> None:
    """Put `text` where `page` keeps the figures of the benchmark `name`.

    That is between the comments `<!-- name: measured -->` and `<!-- name: end -->`; a page without
    them gets them at its end.

    Raises:
        SettingsError: the page has only one of the two, or in the wrong order.
        StorageError: the page cannot be written.
    """
    first, last = f"<!-- {name}: measured -->", f"<!-- {name}: end -->"
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    if first not in old and last not in old:
        old = f"{old.rstrip()}\n\n{first}\n{last}\n".lstrip()
    before, found, rest = old.partition(first)
    _, closed, after = rest.partition(last)
    if not found or not closed:
        raise SettingsError(f"{page} must have {first} and, after it, {last}: put them in")
    write_text(page, f"{before}{first}\n{text}\n{last}{after}")


def update_json(file: Path, report: Mapping[str, Any]) -> None:
    """Write a run's figures; benchmarks that `file` has and this run has not stay in it.

    Raises:
        SettingsError: the file is there and holds something else.
        StorageError: it cannot be written.
    """
    kept: dict[str, Any] = {}
    if file.exists():
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))["benchmarks"]
        except (ValueError, KeyError, TypeError) as error:
            raise SettingsError(
                f"{file} holds no figures of a benchmark and is left alone: choose another file"
            ) from error
    own = {key: value for key, value in report.items() if key != "benchmarks"}
    new = {name: {**own, **outcome} for name, outcome in report["benchmarks"].items()}
    write_text(file, json.dumps({"benchmarks": {**kept, **new}}, indent=1) + "\n")


def _bars(outcome: Outcome) -> str:
    rows = ([bar.what, bar.wanted, bar.got, "yes" if bar.met else "**no**"] for bar in outcome.bars)
    return _table(["asked", "wanted", "measured", "met"], rows) if outcome.bars else ""


def _contest(contest: Contest) -> str:
    rows = (
        [
            f"**{way.name}**" if way.name == contest.ours else way.name,
            str(contest.rate(way.name)),
            "1" if way.name == contest.ours else str(contest.ratio(way.name)),
        ]
        for way in contest.ways
    )
    rounds = len(contest.ways[0].seconds)
    heading = f"{contest.what} ({rounds} rounds)"
    return _table([heading, f"{contest.unit}/s", "time, times ours"], rows)


def _table(names: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(names)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: float | int | str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
