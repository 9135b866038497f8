"""Making engines: train, index and build, each written beside and renamed into place."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.engine.accelerating import keep_index
from lookalike.engine.choice import Choice, keep_choice, read_choice
from lookalike.engine.clock import Clock
from lookalike.engine.describing import describe
from lookalike.engine.drift import begin_drift
from lookalike.engine.facade import Engine, open_engine
from lookalike.engine.filling import fill_gallery
from lookalike.engine.finished import is_finished, leaving_the_engine
from lookalike.engine.folders import change_folders, join_folders
from lookalike.engine.lock import writing
from lookalike.engine.manifest import Layout, write_manifest
from lookalike.engine.memory import keep_memory
from lookalike.engine.settings import BuildSettings
from lookalike.engine.sources import default_output, open_source
from lookalike.engine.stages import (
    train_encoder,
)
from lookalike.engine.synced import keep_state
from lookalike.engine.unfinished import leaving_what_is_worth_it, refuse_to_discard
from lookalike.engine.workplace import check_free, prepare
from lookalike.gallery import EXACT_MEGABYTES, Store
from lookalike.images import Collection, IntakeLimits, Places, collection_state
from lookalike.models import DEFAULT_PRESET
from lookalike.storage import replace_directory, storage_errors
from lookalike.types import Metric, OnProgress, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lookalike.encoder import Encoder
    from lookalike.gallery import Gallery

__all__ = ["Start", "build", "train_engine"]

# Seconds that a finished build waits for another process to let go of the engine it replaces.
LONGEST_WAIT = 600.0


@dataclass(frozen=True, eq=False)
class Start:
    """What a training goes on from.

    Attributes:
        encoder: whose weights.
        number: gives the new gallery's pictures their ids, by their paths.
        times: how often its weights were gone on from before.
        chosen: what a person chose when the engine was built.
        memory: megabytes that the engine's embeddings may take.
        indexed: its gallery has an index for search beyond memory.
        next_id: ids below it have been used.
    """

    encoder: Encoder
    number: Callable[[Sequence[str]], NDArray[np.int64]]
    times: int
    chosen: dict[str, Any]
    memory: float
    indexed: bool
    next_id: int


def build(
    source: str | Path,
    output: str | Path | None = None,
    *,
    add: Sequence[str | Path] = (),
    preset: str = DEFAULT_PRESET,
    size: int | None = None,
    channels: int | None = None,
    latent: int | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    whiten: bool | None = None,
    metric: Metric | None = None,
    seed: int = 0,
    device: str = "auto",
    weights: Path | None = None,
    limits: IntakeLimits | None = None,
    store: Store | None = None,
    archive: Path | None = None,
    data_home: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    report: bool = True,
    choose: bool = False,
    on_progress: OnProgress = silent,
) -> Engine:
    """Train an encoder on pictures, index them, write the report; return the engine.

    Args:
        source: a folder, a CSV or JSON-lines list, an IDX file, or the name of a data set.
        output: the engine's directory; by default `default_output(source)`.
        add: further folders of pictures; see `sync_engine`.
        preset: name of the preset, a key of `lookalike.models.PRESETS`.
        size: side in pixels that pictures are decoded to; None for the preset's own.
        channels: 1 for grey, 3 for colour; None for the preset's own.
        latent: width of the latent; None for the preset's own.
        epochs: passes over the training pictures; None for the preset's own.
        minutes: train about so long instead; the speed is measured first.
        batch_size: pictures in one step; None for the preset's own.
        learning_rate: of the optimiser; None for the preset's own.
        whiten: half-whiten the embeddings; None for the preset's own.
        metric: default metric of a search; None for the preset's own.
        seed: of weights, shuffling and samples.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        weights: file with pretrained weights, for presets that load some.
        limits: what one picture may cost; the engine remembers it.
        store: "float16" halves the gallery on the disk; None is "float32".
        archive: an archive of the named data set that is already at hand.
        data_home: where data sets are kept.
        resume: go on where an interrupted run of the same settings stopped; where only its report
            is missing, write that.
        overwrite: replace an engine that is already there, discard an interrupted training.
        report: write pictures, metrics and the report page.
        choose: try the candidates briefly, keep the best; the engine's `choice` says why.
        on_progress: told how far each stage is.

    Raises:
        LookalikeError: see `lookalike.errors`; what was there before is still there.
    """
    from lookalike.engine.choosing import find_choice, with_choice

    settings = BuildSettings(
        preset=preset,
        size=size,
        channels=channels,
        latent=latent,
        epochs=epochs,
        minutes=minutes,
        batch_size=batch_size,
        learning_rate=learning_rate,
        whiten=whiten,
        metric=metric,
        seed=seed,
        device=device,
        weights=weights,
        store=store,
    )
    collection = open_source(
        source, home=data_home, archive=archive, limits=limits, on_progress=on_progress
    )
    folders = change_folders(Places(collection.root.resolve()), add=add)
    collection = join_folders(collection, folders)
    layout = Layout(Path(output) if output else default_output(source))
    choice = None
    if choose:
        replaces = overwrite or resume  # a build that is gone on with may only lack its report
        check_free(layout, Layout(layout.partial), resume=resume, overwrite=replaces)
        choice = find_choice(collection, layout, settings, resume=resume, on_progress=on_progress)
        settings = with_choice(settings, choice)
    if resume and not overwrite and is_finished(layout, settings, collection):
        keep_choice(layout, choice or read_choice(layout))
        engine = open_engine(layout.directory, device=device)
    else:
        engine = train_engine(
            collection,
            layout.directory,
            settings,
            fill=True,
            resume=resume,
            overwrite=overwrite,
            choice=choice,
            on_progress=on_progress,
        )
    if report:
        # The build has just held all embeddings in memory: its report may do so too.
        whole = open_engine(layout.directory, device=device, search_with="exact")
        with leaving_the_engine(layout):
            whole.report(data_home=data_home, archive=archive, on_progress=on_progress)
    return engine


def train_engine(
    collection: Collection,
    output: Path,
    settings: BuildSettings,
    *,
    fill: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    choice: Choice | None = None,
    start: Start | None = None,
    on_progress: OnProgress = silent,
) -> Engine:
    """Train an encoder and, if `fill`, index the pictures; put the engine at `output`.

    Args:
        collection: the pictures.
        output: the engine's directory.
        settings: what was chosen.
        fill: index the gallery too; without it the engine has only an encoder.
        resume: go on where an interrupted run of the same settings stopped.
        overwrite: replace an engine that is already there, discard an interrupted training.
        choice: how the preset was chosen, if it was; kept with the engine.
        start: an encoder to go on from, of the engine at `output`, which is replaced; the caller
            holds its lock.
        on_progress: told how far each stage is.

    Raises:
        EngineError: there is an engine at `output`, or an interrupted training that `resume` would
            go on with, and `overwrite` is false.
        TrainingStopped: stopped by Ctrl-C; `resume` goes on.
    """
    final = Layout(output)
    work = Layout(final.partial)
    if start is None:
        check_free(final, work, resume=resume, overwrite=overwrite)
    elif not resume and not overwrite:
        refuse_to_discard(work)
    with storage_errors(work.directory):
        work.directory.mkdir(parents=True, exist_ok=True)
    # From before they are read: what changes meanwhile is then found by the next sync.
    clock, state = Clock(), collection_state(collection)
    gallery: Gallery | None = None
    with writing(work, "lookalike build"), leaving_what_is_worth_it(work):
        prepare(work, resume=resume)
        keep_choice(work, choice or read_choice(work))  # the training may have to be gone on with
        with clock.time("train"):
            trained = train_encoder(
                collection,
                work,
                settings,
                start=start.encoder if start else None,
                resume=resume,
                on_progress=on_progress,
            )
        if fill:
            whiten = trained.settings["whiten"]
            with clock.time("index"):
                gallery = fill_gallery(
                    trained.encoder,
                    trained.cache,
                    work,
                    whiten=whiten,
                    number=start.number if start else None,
                    store=settings.store or "float32",
                    on_progress=on_progress,
                )
    keep_choice(work, choice)
    manifest = describe(collection, trained, settings, gallery, clock.seconds)
    if start is not None:
        manifest = replace(
            manifest,
            retrained=start.times + 1,
            next_id=max(start.next_id, manifest.next_id),
            settings={**manifest.settings, "chosen": start.chosen},
        )
    write_manifest(work.manifest, manifest)
    if fill:
        if start is not None and start.memory != EXACT_MEGABYTES:
            keep_memory(work, start.memory)
        indexed = start is not None and start.indexed
        keep_index(work, manifest, wanted=indexed, on_progress=on_progress)
        keep_state(work, state)
        begin_drift(open_engine(work.directory, device=settings.device))
    with nullcontext() if start else _replacing(final):
        replace_directory(work.directory, final.directory)
    shutil.rmtree(final.checkpoint, ignore_errors=True)  # until now a training to go on with
    return open_engine(final.directory, device=settings.device)


def _replacing(final: Layout) -> AbstractContextManager[None]:
    """Wait for whoever is changing the engine that is replaced."""
    if not final.manifest.exists():
        return nullcontext()
    return writing(final, "lookalike build", wait=LONGEST_WAIT)
