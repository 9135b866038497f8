"""The commands that draw. Heavy imports wait inside, so that `--help` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from lookalike.cli import options as o
from lookalike.cli.app import app
from lookalike.cli.progress import show_progress
from lookalike.cli.show import print_json, print_lines
from lookalike.cli.show_looking import print_between, print_clusters, print_oddities

if TYPE_CHECKING:
    from PIL.Image import Image

    from lookalike.engine import Engine
    from lookalike.errors import StorageError

__all__ = ["between", "clusters", "draw_map", "oddities"]


@app.command("map")
def draw_map(
    engine: o.EnginePath,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", "-o", help="Picture file.  [default: ENGINE/reports/map.png]"),
    ] = None,
    seed: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Seed of the layout.  [default: the engine's]"),
    ] = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Draw the t-SNE map of the gallery with thumbnails."""
    from lookalike.engine import open_engine
    from lookalike.pictures import save

    opened = open_engine(engine)
    place = output or opened.layout.reports / "map.png"
    with show_progress(quiet=quiet) as on_progress:
        save(opened.map(seed=seed, on_progress=on_progress), place)
    if as_json:
        print_json({"map": str(place), "pictures": len(opened)})
    else:
        print_lines([str(place)])


@app.command()
def oddities(
    engine: o.EnginePath,
    count: Annotated[int, typer.Option("-n", "--count", help="How many pictures.")] = 25,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--output", "-o", help="Picture file.  [default: ENGINE/reports/oddities.png]"
        ),
    ] = None,
    device: o.Device = "auto",
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Find the oddest pictures: those that the decoder rebuilds worst."""
    opened, place = _open(engine, device, output, "oddities.png")
    with show_progress(quiet=quiet) as on_progress:
        found = opened.oddities(count, on_progress=on_progress)
    failure = _save(found.draw(), place)
    print_oddities(found, None if failure else place, as_json=as_json)
    if failure:
        raise failure


@app.command()
def clusters(
    engine: o.EnginePath,
    count: Annotated[int, typer.Option("-n", "--count", help="How many clusters.")] = 12,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--output", "-o", help="Picture file.  [default: ENGINE/reports/clusters.png]"
        ),
    ] = None,
    seed: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(help="Seed of the k-means.  [default: the engine's]"),
    ] = None,
    device: o.Device = "auto",
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Part the gallery into clusters, each with its decoded average and central pictures."""
    opened, place = _open(engine, device, output, "clusters.png")
    with show_progress(quiet=quiet) as on_progress:
        found = opened.clusters(count, seed=seed, on_progress=on_progress)
    failure = _save(found.draw(), place)
    print_clusters(found, None if failure else place, as_json=as_json)
    if failure:
        raise failure


@app.command()
def between(
    engine: o.EnginePath,
    a: Annotated[str, typer.Argument(metavar="A", help="A picture, or a path of the gallery.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    steps: Annotated[int, typer.Option(help="Pictures on the way, both ends among them.")] = 7,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", "-o", help="Picture file.  [default: ENGINE/reports/between.png]"),
    ] = None,
    device: o.Device = "auto",
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Decode the way from one picture to another, with the nearest pictures at each step."""
    opened, place = _open(engine, device, output, "between.png")
    with show_progress(quiet=quiet) as on_progress:
        found = opened.between(a, b, steps=steps, on_progress=on_progress)
    failure = _save(found.draw(), place)
    print_between(found, None if failure else place, as_json=as_json)
    if failure:
        raise failure


def _open(engine: Path, device: str, output: Path | None, name: str) -> tuple[Engine, Path]:
    """Open an engine and choose where its picture goes; a wrong name must not cost the work."""
    from lookalike.engine import open_engine
    from lookalike.pictures import check_format

    opened = open_engine(engine, device=device)
    place = output or opened.layout.reports / name
    check_format(place)
    return opened, place


def _save(image: Image, place: Path) -> StorageError | None:
    """Write a picture; where that fails the person still gets what was found."""
    from lookalike.errors import StorageError
    from lookalike.pictures import save

    try:
        save(image, place)
    except StorageError as error:
        return error
    return None
