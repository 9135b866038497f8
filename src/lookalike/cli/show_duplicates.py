"""What `lookalike duplicates` prints: a table for people, JSON for programs."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lookalike.cli.show import PIPED_WIDTH, print_json

if TYPE_CHECKING:
    from lookalike.engine import Engine
    from lookalike.engine.duplicate_groups import Copy, DuplicateGroup, Duplicates
    from lookalike.engine.moving import Left, Moved

__all__ = ["print_duplicates", "print_put_back"]

LEFT_SHOWN = 20
OTHERS_SHOWN = 8
HEADS = ("", "what", "copy", "size", "bytes", "path")
RIGHT = {"copy", "size", "bytes"}


def print_duplicates(
    engine: Engine,
    found: Duplicates,
    pages: Sequence[Path],
    moved: Moved | None,
    *,
    limit: int,
    as_json: bool,
) -> None:
    """Print the groups, the first `limit` of them in a table, and what was done with them."""
    for note in found.notes:
        typer.echo(f"lookalike: {note}", err=True)
    if as_json:
        answer: dict[str, Any] = {**found.as_dict(), "pages": [str(page) for page in pages]}
        if moved is not None:
            answer["moved"] = moved.as_dict()
        print_json(answer)
        return
    from lookalike.engine.duplicates_page import headline

    typer.echo(headline(found))
    shown = found.groups[: limit or None]
    if shown:
        _print_groups(shown)
    _print_more(found, len(shown))
    for page in pages:
        typer.echo(f"page: {page}")
    place = shlex.quote(str(engine.layout.directory))
    if moved is not None:
        _print_moved(moved, place)
    elif found.groups and not pages:
        typer.echo(f"  pictures side by side: lookalike duplicates {place} --page duplicates.html")


def print_put_back(moved: Moved, *, as_json: bool) -> None:
    """Say what was put back."""
    if as_json:
        print_json(moved.as_dict())
        return
    files = "1 file" if moved.files == 1 else f"{moved.files:,} files"
    typer.echo(f"{files} put back from {moved.directory}")
    _print_left(moved.left)


def _print_groups(groups: Sequence[DuplicateGroup]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for head in HEADS:
        table.add_column(
            head,
            justify="right" if head in RIGHT else "left",
            overflow="fold",
            no_wrap=head != "path",
        )
    for group in groups:
        table.add_row(Text(str(group.rank)), *_cells(group.kept, "keep"))
        for one in group.others[:OTHERS_SHOWN]:
            table.add_row("", *_cells(one, ""))
        more = len(group.others) - OTHERS_SHOWN
        reason = f"kept: {group.reason}"
        if more > 0:
            reason = f"and {more:,} more; {reason}"
        table.add_row("", "", "", "", "", Text(reason, style="dim"), end_section=True)
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(highlight=False, width=width).print(table)


def _cells(one: Copy, what: str) -> tuple[Any, ...]:
    """Return plain texts: a path may look like markup and must not be read as such."""
    from rich.text import Text

    from lookalike.engine.duplicates_page import percent
    from lookalike.engine.keeping import size_of

    style = "bold" if what else ""
    shown = one.kind == "edited" and one.probability is not None
    certain = percent(one.probability or 0) if shown else ""
    bytes_ = "" if one.file_size < 0 else size_of(one.file_size)
    size = f"{one.width}×{one.height}"
    words = (what or one.kind or "", certain, size, bytes_, one.path)
    return tuple(Text(word, style=style) for word in words)


def _print_more(found: Duplicates, shown: int) -> None:
    if shown < len(found):
        typer.echo(f"  {len(found) - shown:,} more groups: -n 0 prints all, --json everything")
    if found.more_near:
        near = "1 near shot" if found.more_near == 1 else f"{found.more_near:,} near shots"
        typer.echo(f"  {near} besides, close but no copies: --kind near")


def _print_moved(moved: Moved, place: str) -> None:
    from lookalike.engine.keeping import size_of

    verb = "would be moved" if moved.dry_run else "moved"
    files = "1 file" if moved.files == 1 else f"{moved.files:,} files"
    typer.echo(f"{files}, {size_of(moved.size)}, {verb} to {moved.directory}")
    _print_left(moved.left)
    if any("gone" in one.reason or "changed" in one.reason for one in moved.left):
        typer.echo(f"  the folder is not as it was indexed: lookalike sync {place}")
    if moved.undo is not None:
        typer.echo(f"  put them back: lookalike duplicates --undo {shlex.quote(str(moved.undo))}")
        typer.echo(f"  then the gallery: lookalike sync {place}")


def _print_left(left: Sequence[Left]) -> None:
    if not left:
        return
    typer.echo(f"  {len(left):,} left where they are:")
    for one in left[:LEFT_SHOWN]:
        typer.echo(f"    {one.path}: {one.reason}")
    if len(left) > LEFT_SHOWN:
        typer.echo(f"    and {len(left) - LEFT_SHOWN:,} more")
