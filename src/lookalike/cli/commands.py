"""The commands that use engines, and all others. Heavy imports wait inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from lookalike.cli import benchmarking, duplicates, exporting, living, looking, making, serving
from lookalike.cli import options as o
from lookalike.cli.app import app
from lookalike.cli.progress import show_progress
from lookalike.cli.show import (
    print_datasets,
    print_evaluation,
    print_hits,
    print_info,
    print_json,
    print_lines,
    print_presets,
    program_name,
)
from lookalike.cli.summary import summarise_engine, summarise_skipped

__all__ = [
    "app",
    "benchmarking",
    "duplicates",
    "exporting",
    "living",
    "looking",
    "making",
    "serving",
]


@app.command()
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")] = Path(
        "demo"
    ),
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Build a search engine from 8,000 shipped pictures, measure it, search it."""
    from lookalike.engine.demo import run_demo

    with show_progress(quiet=quiet) as on_progress:
        result = run_demo(output, on_progress=on_progress)
    if as_json:
        print_json(result.as_dict())
        return
    print_evaluation(result.evaluation)
    print_lines(result.lines(program_name()))


@app.command()
def search(
    engine: o.EnginePath,
    queries: Annotated[
        list[str],
        typer.Argument(metavar="QUERY...", help="Pictures, folders of pictures, gallery paths."),
    ],
    k: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("-k", "--top", help="Hits per query.  [default: the preset's]"),
    ] = None,
    metric: o.MetricName = None,
    where: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="SQL over label, path, split, width, height: \"label = 'cat'\"."),
    ] = None,
    expand: o.Expand = 0,
    alpha: o.Alpha = None,
    rerank: o.RerankName = None,
    depth: o.Depth = None,
    balance: o.Balance = None,
    like: o.Like = None,
    unlike: o.Unlike = None,
    combine: o.CombineName = None,
    crop: o.CropBox = None,
    include_self: Annotated[
        bool, typer.Option("--include-self", help="Let a gallery picture find itself.")
    ] = False,
    grid: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Also draw queries and hits into this PNG, JPEG or WebP."),
    ] = None,
    search_with: o.SearchWith = "auto",
    device: o.Device = "auto",
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Find the pictures closest to one or more queries."""
    from lookalike.engine.searching import Examples, search_engine
    from lookalike.gallery import check_search
    from lookalike.images import Crop
    from lookalike.search import SearchSettings, check_combine, check_rerank
    from lookalike.types import check_metric

    with show_progress(quiet=quiet) as on_progress:
        found = search_engine(
            engine,
            queries,
            k,
            metric=check_metric(metric) if metric else None,
            where=where,
            include_self=include_self,
            settings=SearchSettings(
                expand, alpha, check_rerank(rerank) if rerank is not None else None, depth, balance
            ),
            examples=Examples(
                like or (), unlike or (), check_combine(combine) if combine is not None else None
            ),
            crop=Crop.parse(crop) if crop is not None else None,
            grid=grid,
            device=device,
            search_with=check_search(search_with),
            on_progress=on_progress,
        )
    print_hits(found, as_json=as_json, grid=None if found.failure else grid)
    if found.failure:
        raise found.failure


@app.command()
def evaluate(
    engine: o.EnginePath,
    queries: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(help="Labelled pictures.  [default: the test split, else leave-one-out]"),
    ] = None,
    baselines: o.Baselines = True,
    device: o.Device = "auto",
    archive: o.Archive = None,
    data_home: o.DataHome = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Measure the retrieval by weak labels, beside raw pixels, colour histogram, HOG and PCA."""
    from lookalike.engine import open_engine

    with show_progress(quiet=quiet) as on_progress:
        result = open_engine(engine, device=device).evaluate(
            queries,
            baselines=baselines,
            data_home=data_home,
            archive=archive,
            on_progress=on_progress,
        )
    if as_json:
        print_json(result.as_dict())
    else:
        print_evaluation(result)


@app.command()
def report(
    engine: o.EnginePath,
    baselines: o.Baselines = True,
    device: o.Device = "auto",
    data_home: o.DataHome = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Write the report of an engine, or write it again: pictures, metrics and the page."""
    from lookalike.engine import open_engine

    opened = open_engine(engine, device=device)
    with show_progress(quiet=quiet) as on_progress:
        made = opened.report(baselines=baselines, data_home=data_home, on_progress=on_progress)
    if as_json:
        evaluation = made.evaluation.as_dict() if made.evaluation else None
        card = {"sentence": made.sentence, **made.card.as_dict()}
        print_json({"report": str(made.path), "evaluation": evaluation, "card": card})
    else:
        print_lines([made.sentence, str(made.path)])


@app.command()
def presets(as_json: o.Json = False) -> None:
    """List the presets with latent shapes and parameter counts."""
    from lookalike.models import PRESETS, summarise

    print_presets([(preset, summarise(preset)) for preset in PRESETS.values()], as_json=as_json)


@app.command()
def datasets(as_json: o.Json = False) -> None:
    """List the named data sets with licence and size."""
    from lookalike.images import DATASETS

    print_datasets(list(DATASETS.values()), as_json=as_json)


@app.command()
def info(
    engine: o.EnginePath,
    skipped: Annotated[
        bool, typer.Option("--skipped", help="List the files that could not be read.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Print every setting, figure and version.")
    ] = False,
    as_json: o.Json = False,
) -> None:
    """Say what an engine holds and how it was made."""
    from lookalike.engine import open_engine

    opened = open_engine(engine)
    facts: dict[str, Any] = opened.info()
    if skipped:
        listed = sorted(opened.skipped(), key=lambda one: one.path)
        facts["files skipped"] = [f"{one.path}: {one.reason}" for one in listed]
    if as_json or everything:
        print_info(facts, as_json=as_json)
        return
    print_lines(summarise_engine(opened))
    if skipped:
        print_info({"files skipped": facts["files skipped"]}, as_json=False)
        print_lines(summarise_skipped(listed))
