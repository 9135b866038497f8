"""`lookalike duplicates`: find, show, move out of the way, put back. Heavy imports wait inside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from lookalike.cli import options as o
from lookalike.cli.app import app
from lookalike.cli.progress import show_progress
from lookalike.cli.show_duplicates import print_duplicates, print_put_back

if TYPE_CHECKING:
    from lookalike.engine import Engine
    from lookalike.engine.duplicate_groups import Duplicates
    from lookalike.engine.moving import Moved
    from lookalike.errors import StorageError
    from lookalike.types import OnProgress

__all__ = ["duplicates"]

SHOWN = "exact,same-pixels,edited"
# What is moved unless kinds are named: what is certain.
MOVED = "exact,same-pixels"


@app.command()
def duplicates(
    engine: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(metavar="ENGINE", help="An engine's directory; none with --undo."),
    ] = None,
    kind: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="Of exact, same-pixels, edited and near, with commas.  "
            f"[default: {SHOWN}; with --move-to {MOVED}]"
        ),
    ] = None,
    at_least: Annotated[
        float, typer.Option(metavar="P", help="Probability from which a picture is a copy.")
    ] = 0.5,
    where: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="SQL over label, path, split, width, height: compare only these."),
    ] = None,
    keep: Annotated[
        str, typer.Option(help="What to keep of each group: best, largest, oldest or newest.")
    ] = "best",
    prefer: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(metavar="FOLDER", help="Keep what is below it first; may be repeated."),
    ] = None,
    limit: Annotated[
        int, typer.Option("-n", "--limit", help="Groups that are printed; 0 prints all.")
    ] = 20,
    page: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="PATH.html", help="Write a page with the pictures side by side."),
    ] = None,
    move_to: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="DIR", help="Move all but the kept ones there, with an undo file."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --move-to: say what would be moved.")
    ] = False,
    undo: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="FILE", help="Put back what was moved: DIR/undo.jsonl."),
    ] = None,
    device: o.Device = "auto",
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Find pictures that are there more than once, and which to keep; nothing is ever deleted."""
    from lookalike.engine.keeping import check_keep

    _check_usage(engine, move_to, undo, dry_run=dry_run)
    with show_progress(quiet=quiet) as on_progress:
        if undo is not None or engine is None:
            return _put_back(undo or Path(), on_progress, as_json=as_json)
        opened = _open(engine, device, page)
        found = opened.duplicates(
            (kind or (SHOWN if move_to is None else MOVED)).split(","),
            at_least=at_least,
            where=where,
            keep=check_keep(keep),
            prefer=prefer or (),
            on_progress=on_progress,
        )
        pages, failure = _write(opened, found, page, on_progress)
        moved = _move(opened, found, move_to, on_progress, dry_run=dry_run)
    print_duplicates(opened, found, pages, moved, limit=limit, as_json=as_json)
    if failure:
        raise failure
    return None


def _check_usage(
    engine: Path | None, move_to: Path | None, undo: Path | None, *, dry_run: bool
) -> None:
    if (engine is None) == (undo is None):
        raise typer.BadParameter("wanted an ENGINE, or --undo FILE without one")
    if undo is not None and move_to is not None:
        raise typer.BadParameter("--undo and --move-to do not go together")
    if dry_run and move_to is None:
        raise typer.BadParameter("--dry-run goes with --move-to")


def _open(engine: Path, device: str, page: Path | None) -> Engine:
    """Open an engine; a wrong name of the page must not cost the work."""
    from lookalike.engine import open_engine
    from lookalike.engine.duplicates_page import check_page

    if page is not None:
        check_page(page)
    return open_engine(engine, device=device)


def _write(
    engine: Engine, found: Duplicates, page: Path | None, on_progress: OnProgress
) -> tuple[tuple[Path, ...], StorageError | None]:
    """Write the page; where that fails the person still gets what was found."""
    from lookalike.errors import StorageError

    if page is None:
        return (), None
    try:
        return engine.duplicates_page(found, page, on_progress=on_progress), None
    except StorageError as error:
        return (), error


def _move(
    engine: Engine,
    found: Duplicates,
    move_to: Path | None,
    on_progress: OnProgress,
    *,
    dry_run: bool,
) -> Moved | None:
    if move_to is None:
        return None
    return engine.move_duplicates(found, move_to, dry_run=dry_run, on_progress=on_progress)


def _put_back(undo: Path, on_progress: OnProgress, *, as_json: bool) -> None:
    from lookalike.engine.undo import undo_moves

    print_put_back(undo_moves(undo, on_progress=on_progress), as_json=as_json)
