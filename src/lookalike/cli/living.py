"""The commands that keep an engine's gallery up to date. Heavy imports wait inside."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from lookalike.cli import options as o
from lookalike.cli.app import app
from lookalike.cli.limits import chosen_limits
from lookalike.cli.progress import show_progress
from lookalike.cli.show import print_json, print_made
from lookalike.cli.show_living import print_accelerated, print_history, print_sync

if TYPE_CHECKING:
    from lookalike.engine.syncing import SyncReport

__all__ = ["accelerate", "history", "restore", "retrain", "sync"]


@app.command()
def sync(
    engine: o.EnginePath,
    folder: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(
            metavar="FOLDER", help="Where the pictures have moved to.  [default: where they were]"
        ),
    ] = None,
    add: o.Add = None,
    drop: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            metavar="@NAME", help="Give up a further folder, or a folder whose disk is gone."
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every file, whatever its size and time say.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow the folder until stopped (Ctrl-C).")
    ] = False,
    every: Annotated[
        float, typer.Option(metavar="SECONDS", help="With --watch: between two looks.")
    ] = 10.0,
    device: o.Device = "auto",
    max_pixels: o.MaxPixels = None,
    max_file_size: o.MaxFileSize = None,
    time_limit: o.TimeLimit = None,
    memory_limit: o.MemoryLimit = None,
    data_home: o.DataHome = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Make the gallery hold what its folder holds now; only what changed is embedded."""
    from lookalike.engine.syncing import check_watch, sync_engine

    limits = chosen_limits(engine, max_pixels, max_file_size, time_limit, memory_limit)

    def once(first: bool = False) -> SyncReport:
        with show_progress(quiet=quiet or not first) as on_progress:
            return sync_engine(
                engine,
                folder if first else None,
                add=(add or ()) if first else (),
                drop=(drop or ()) if first else (),
                verify=verify,
                dry_run=dry_run,
                device=device,
                data_home=data_home,
                limits=limits,
                on_progress=on_progress,
            )

    if watch:
        check_watch(every, dry_run=dry_run, verify=verify)
    try:
        report = once(first=True)
        print_sync(engine, report, as_json=as_json)
        while watch:
            time.sleep(every)
            report = _look_again(engine, once, report, as_json=as_json)
    except KeyboardInterrupt:
        if not watch:
            typer.echo(
                "lookalike: stopped; what was done is kept, the same command goes on", err=True
            )
        raise typer.Exit(0 if watch else 130) from None


def _look_again(
    engine: Path, once: Callable[[], SyncReport], last: SyncReport, *, as_json: bool
) -> SyncReport:
    """Sync, and say so if anything changed; a disk that was unmounted may come back."""
    from lookalike.errors import LookalikeError

    try:
        report = once()
    except LookalikeError as error:
        typer.echo(f"lookalike: {error}", err=True)
        return last
    if report.plan.changes or report.away != last.away:
        print_sync(engine, report, as_json=as_json)
    return report


@app.command()
def retrain(
    engine: o.EnginePath,
    epochs: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Passes over the pictures.  [default: a third of a build's]"),
    ] = None,
    minutes: o.Minutes = None,
    seed: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Of shuffling and samples.  [default: the engine's]"),
    ] = None,
    device: o.Device = "auto",
    archive: o.Archive = None,
    data_home: o.DataHome = None,
    resume: o.Resume = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Discard an interrupted training.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Measure the engine anew.")
    ] = True,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Train the encoder further on all pictures there are now, and embed them anew."""
    from lookalike.engine import retrain_engine

    with show_progress(quiet=quiet) as on_progress:
        made = retrain_engine(
            engine,
            epochs=epochs,
            minutes=minutes,
            seed=seed,
            device=device,
            archive=archive,
            data_home=data_home,
            resume=resume,
            overwrite=overwrite,
            report=report,
            on_progress=on_progress,
        )
    print_made(made, as_json=as_json)


@app.command()
def accelerate(
    engine: o.EnginePath,
    recall: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="Share of the true 10 nearest to be found.  [default: 0.98]"),
    ] = None,
    memory: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            metavar="MB",
            help="Search exactly in memory up to so many MB of embeddings, by the index beyond; "
            "kept with the engine.  [default: 1000]",
        ),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Forget the index instead.")] = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Build the index that searches galleries larger than memory, and measure what it finds."""
    from lookalike.engine.accelerating import accelerate_engine
    from lookalike.gallery import RECALL

    with show_progress(quiet=quiet) as on_progress:
        made = accelerate_engine(
            engine,
            recall=RECALL if recall is None else recall,
            memory=memory,
            remove=remove,
            on_progress=on_progress,
        )
    print_accelerated(engine, made, as_json=as_json)


@app.command()
def history(engine: o.EnginePath, as_json: o.Json = False) -> None:
    """List the states of the gallery that can be gone back to."""
    from lookalike.engine.states import gallery_history

    states = gallery_history(engine)
    if as_json:
        print_json(
            [
                {"version": one.version, "time": one.time.isoformat(), "pictures": one.pictures}
                for one in states
            ]
        )
    else:
        print_history(states, shlex.quote(str(engine)))


@app.command()
def restore(
    engine: o.EnginePath,
    version: Annotated[int, typer.Argument(help="As `lookalike history` numbers them.")],
    as_json: o.Json = False,
) -> None:
    """Go back to an earlier state of the gallery; the states in between stay in the history."""
    from lookalike.engine.states import restore_gallery

    pictures = restore_gallery(engine, version)
    if as_json:
        print_json({"engine": str(engine), "version": version, "pictures": pictures})
    else:
        typer.echo(f"{engine}: {pictures:,} pictures to search, as of version {version}")
        typer.echo(
            f"  the next sync follows the folder again: lookalike sync {shlex.quote(str(engine))}"
        )
