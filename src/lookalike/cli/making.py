"""The commands that make engines. Heavy imports wait inside, so that `--help` is quick."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from lookalike.cli import options as o
from lookalike.cli.app import app
from lookalike.cli.limits import chosen_limits
from lookalike.cli.progress import show_progress
from lookalike.cli.show import print_made
from lookalike.errors import SettingsError

__all__ = ["build", "index", "train"]


@app.command()
def build(
    source: o.Source,
    output: o.Output = None,
    add: o.Add = None,
    preset: o.PresetName = None,
    size: o.Size = None,
    channels: o.Channels = None,
    latent: o.Latent = None,
    epochs: o.Epochs = None,
    minutes: o.Minutes = None,
    batch_size: o.BatchSize = None,
    learning_rate: o.LearningRate = None,
    whiten: o.Whiten = None,
    metric: o.MetricName = None,
    seed: o.Seed = 0,
    device: o.Device = "auto",
    weights: o.Weights = None,
    max_pixels: o.MaxPixels = None,
    max_file_size: o.MaxFileSize = None,
    time_limit: o.TimeLimit = None,
    memory_limit: o.MemoryLimit = None,
    store: o.Store = None,
    archive: o.Archive = None,
    data_home: o.DataHome = None,
    resume: o.Resume = False,
    overwrite: o.Overwrite = False,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Write pictures, metrics and the page.")
    ] = True,
    choose: Annotated[
        bool,
        typer.Option("--choose", help="Try the candidates briefly and build with the best preset."),
    ] = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Train an encoder on pictures, index them and write the report."""
    from lookalike.engine import build as build_engine
    from lookalike.gallery import check_store
    from lookalike.models import DEFAULT_PRESET
    from lookalike.types import check_metric

    if choose and preset:
        raise SettingsError(f"choose finds the preset, got --preset {preset} too: leave one out")
    limits = chosen_limits(None, max_pixels, max_file_size, time_limit, memory_limit)
    with show_progress(quiet=quiet) as on_progress:
        engine = build_engine(
            source,
            output,
            add=add or (),
            preset=preset or DEFAULT_PRESET,
            size=size,
            channels=channels,
            latent=latent,
            epochs=epochs,
            minutes=minutes,
            batch_size=batch_size,
            learning_rate=learning_rate,
            whiten=whiten,
            metric=check_metric(metric) if metric else None,
            seed=seed,
            device=device,
            weights=weights,
            limits=limits,
            store=check_store(store) if store else None,
            archive=archive,
            data_home=data_home,
            resume=resume,
            overwrite=overwrite,
            report=report,
            choose=choose,
            on_progress=on_progress,
        )
    print_made(engine, as_json=as_json)


@app.command()
def train(
    source: o.Source,
    output: o.Output = None,
    preset: o.PresetName = None,
    size: o.Size = None,
    channels: o.Channels = None,
    latent: o.Latent = None,
    epochs: o.Epochs = None,
    minutes: o.Minutes = None,
    batch_size: o.BatchSize = None,
    learning_rate: o.LearningRate = None,
    whiten: o.Whiten = None,
    metric: o.MetricName = None,
    seed: o.Seed = 0,
    device: o.Device = "auto",
    weights: o.Weights = None,
    max_pixels: o.MaxPixels = None,
    max_file_size: o.MaxFileSize = None,
    time_limit: o.TimeLimit = None,
    memory_limit: o.MemoryLimit = None,
    archive: o.Archive = None,
    data_home: o.DataHome = None,
    resume: o.Resume = False,
    overwrite: o.Overwrite = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Train an encoder only; `lookalike index` then fills the gallery."""
    from lookalike.engine import (
        BuildSettings,
        default_output,
        open_source,
        train_engine,
    )
    from lookalike.models import DEFAULT_PRESET
    from lookalike.types import check_metric

    settings = BuildSettings(
        preset=preset or DEFAULT_PRESET,
        size=size,
        channels=channels,
        latent=latent,
        epochs=epochs,
        minutes=minutes,
        batch_size=batch_size,
        learning_rate=learning_rate,
        whiten=whiten,
        metric=check_metric(metric) if metric else None,
        seed=seed,
        device=device,
        weights=weights,
    )
    limits = chosen_limits(None, max_pixels, max_file_size, time_limit, memory_limit)
    with show_progress(quiet=quiet) as on_progress:
        collection = open_source(
            source, home=data_home, archive=archive, limits=limits, on_progress=on_progress
        )
        engine = train_engine(
            collection,
            output or default_output(source),
            settings,
            resume=resume,
            overwrite=overwrite,
            on_progress=on_progress,
        )
    print_made(engine, as_json=as_json)


@app.command()
def index(
    engine: o.EnginePath,
    source: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(help="Pictures to index.  [default: those the engine was made from]"),
    ] = None,
    store: o.Store = None,
    device: o.Device = "auto",
    max_pixels: o.MaxPixels = None,
    max_file_size: o.MaxFileSize = None,
    time_limit: o.TimeLimit = None,
    memory_limit: o.MemoryLimit = None,
    archive: o.Archive = None,
    data_home: o.DataHome = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Embed pictures with an engine's encoder and make them its gallery."""
    from lookalike.engine import index_engine
    from lookalike.gallery import check_store

    limits = chosen_limits(engine, max_pixels, max_file_size, time_limit, memory_limit)
    with show_progress(quiet=quiet) as on_progress:
        made = index_engine(
            engine,
            source,
            device=device,
            limits=limits,
            archive=archive,
            data_home=data_home,
            store=check_store(store) if store else None,
            on_progress=on_progress,
        )
    print_made(made, as_json=as_json, indexed=True)
