"""What the commands print that keep a gallery up to date."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lookalike.cli.show import print_json
from lookalike.cli.show_looking import print_table

if TYPE_CHECKING:
    from lookalike.engine.accelerating import Accelerated
    from lookalike.engine.syncing import SyncReport
    from lookalike.gallery import GalleryVersion

__all__ = ["print_accelerated", "print_history", "print_sync"]

# What is said of a sync, where there was any of it.
SYNCED = (
    "added",
    "changed",
    "copied",
    "moved",
    "touched",
    "removed",
    "kept",
    "unchanged",
    "skipped",
)


def print_sync(engine: Path, report: SyncReport, *, as_json: bool) -> None:
    """Say what a sync did, or would do."""
    if as_json:
        print_json({"engine": str(engine), **report.as_dict()})
        return
    facts = report.as_dict()
    words = [f"{facts[name]:,} {name}" for name in SYNCED if facts[name]]
    done = ", ".join(words) or "nothing to do"
    if report.dry_run:
        embeds = report.plan.embeds
        typer.echo(f"{engine}: would be {done}; {embeds:,} pictures to embed")
        _print_away(facts)
        return
    typer.echo(
        f"{engine}: {done}; {facts['pictures']:,} pictures to search, {report.seconds:.1f} s"
    )
    place = shlex.quote(str(engine))
    _print_away(facts)
    if facts["kept"] and not facts["away"]:
        typer.echo("  kept: pictures in folders that cannot be read now are no deletion")
    if report.drift is not None and report.drift.advice:
        typer.echo(f"  {report.drift.advice}: lookalike retrain {place}")
    if facts["skipped"]:
        typer.echo(f"  skipped files and why: lookalike info {place} --skipped")


def print_accelerated(engine: Path, made: Accelerated, *, as_json: bool) -> None:
    """Say what searches the gallery now."""
    if as_json:
        print_json({"engine": str(engine), **made.as_dict()})
        return
    now = made.footprint
    if made.built and now.index is not None:
        index = now.index
        typer.echo(
            f"{engine}: index over {index.rows:,} pictures in {index.seconds:,.1f} s, finds "
            f"{index.recall:.1%} of the true 10 nearest ({index.target:.1%} wanted)"
        )
    else:
        typer.echo(f"{engine}: {'the index stays as it is' if now.index else 'no index'}")
    typer.echo(
        f"  embeddings: {now.embeddings_mb:,.0f} MB; in memory up to {now.memory_mb:,.0f} MB"
    )
    typer.echo(f"  search by: {now.lines()['search by']}")
    if now.search == "exact" and now.index is not None:
        place = shlex.quote(str(engine))
        typer.echo(f"  by the index: lookalike search {place} PICTURE --search-with indexed")


def _print_away(facts: dict[str, Any]) -> None:
    for folder, reason in facts["away"].items():
        typer.echo(f"  {'the first folder' if folder == '.' else folder}: {reason}")
    if facts["away"] and facts["kept"]:
        typer.echo("  what is known of it is kept, and can still be found")


def print_history(states: Sequence[GalleryVersion], place: str) -> None:
    """List the states of a gallery."""
    rows = [
        (str(one.version), f"{one.time:%Y-%m-%d %H:%M:%S}", f"{one.pictures:,}") for one in states
    ]
    print_table(("version", "time (UTC)", "pictures"), rows, title="")
    typer.echo(f"go back: lookalike restore {place} VERSION")
