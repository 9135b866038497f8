"""Retraining: the encoder goes on from its weights, on the pictures that are there now."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.building import Start, train_engine
from lookalike.engine.choice import read_choice
from lookalike.engine.exchange import recover_engine
from lookalike.engine.facade import Engine, open_engine
from lookalike.engine.finished import leaving_the_engine
from lookalike.engine.folders import reopen_folders
from lookalike.engine.lock import writing
from lookalike.engine.manifest import Layout, Manifest, read_manifest
from lookalike.engine.memory import read_memory
from lookalike.engine.settings import BuildSettings
from lookalike.engine.sources import has_moved
from lookalike.errors import EngineError, SettingsError
from lookalike.gallery import Gallery
from lookalike.images import Collection
from lookalike.models import TrainingSettings, get_preset
from lookalike.types import OnProgress, silent

__all__ = ["retrain_engine"]

# The share of the epochs of a training from scratch: benchmarks/drift.py.
SHARE = 1 / 3


def retrain_engine(
    engine: str | Path,
    *,
    epochs: int | None = None,
    minutes: float | None = None,
    seed: int | None = None,
    device: str = "auto",
    archive: Path | None = None,
    data_home: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    report: bool = True,
    on_progress: OnProgress = silent,
) -> Engine:
    """Train an engine's encoder further, on all pictures of its folders, and embed them again.

    The old engine answers until the new one takes its place in one step. Pictures keep their ids;
    the history of the gallery begins anew, for the old embeddings were another encoder's.

    Args:
        engine: the engine's directory.
        epochs: passes over the pictures; None for a third of those of a training from scratch.
        minutes: train about so long instead.
        seed: of shuffling and samples; None for the engine's own.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        archive: an archive of the named data set that is already at hand.
        data_home: where data sets are kept.
        resume: go on where an interrupted retraining stopped.
        overwrite: discard an interrupted training.
        report: measure the engine anew; without it scores are not calibrated.
        on_progress: told how far each stage is.

    Returns:
        The engine, opened anew.

    Raises:
        EngineError: there is no engine, or pictures of it are away.
        SettingsError: its preset comes trained.
        LookalikeError: see `lookalike.errors`; the engine is as it was.
    """
    layout = Layout(Path(engine))
    recover_engine(layout)
    read_manifest(layout.manifest)
    with writing(layout, "lookalike retrain"):
        opened = open_engine(layout.directory, device=device)
        training = _training(opened)
        collection = _pictures(opened, data_home, archive, on_progress)
        if epochs is None and minutes is None:
            pictures = sum(picture.split in (None, "train") for picture in collection.pictures)
            epochs = max(1, round(SHARE * _epochs(opened.manifest, training, pictures)))
        settings = replace(
            _settings(opened.manifest, epochs=epochs, minutes=minutes, seed=seed, device=device),
            store=opened.gallery.store,
        )
        made = train_engine(
            collection,
            layout.directory,
            settings,
            fill=True,
            resume=resume,
            overwrite=overwrite,
            choice=read_choice(layout),
            start=_start(opened),
            on_progress=on_progress,
        )
    if report:
        with leaving_the_engine(layout):
            made.report(data_home=data_home, archive=archive, on_progress=on_progress)
    return made


def _training(engine: Engine) -> TrainingSettings:
    preset = get_preset(engine.manifest.preset)
    if preset.training is None:
        raise SettingsError(
            f"preset {preset.name} is pretrained and is not trained: build with another preset"
        )
    return preset.training


def _pictures(
    engine: Engine, home: Path | None, archive: Path | None, on_progress: OnProgress
) -> Collection:
    """Return what the engine's folders hold, if all of them are there.

    Raises:
        EngineError: one is not.
    """
    manifest, directory, gallery = engine.manifest, engine.layout.directory, engine.gallery
    if has_moved(manifest.source):
        raise EngineError(
            f"the pictures of {directory} are no longer at {manifest.source}: "
            f"name the folder with `lookalike sync {shlex.quote(str(directory))} FOLDER`"
        )
    collection = reopen_folders(
        manifest,
        directory,
        home=home,
        archive=archive,
        known=gallery.paths,
        on_progress=on_progress,
    )
    of, here = collection.places.folder_of, {one.path for one in collection.pictures}
    believed = {of(path) for path in gallery.paths if path in here}
    empty = sorted({of(path) for path in gallery.paths} - believed)
    if empty:
        raise EngineError(
            f"none of the known pictures of {empty[0] or manifest.source} is there: mount its "
            f"disk, or run `lookalike sync {shlex.quote(str(directory))}` first"
        )
    return collection


def _start(engine: Engine) -> Start:
    manifest = engine.manifest
    return Start(
        engine.encoder,
        partial(_numbers, engine.gallery, manifest.next_id),
        manifest.retrained,
        manifest.settings.get("chosen", {}),
        memory=read_memory(engine.layout),
        indexed=engine.gallery.index_facts is not None,
        next_id=manifest.next_id,
    )


def _numbers(gallery: Gallery, next_id: int, paths: Sequence[str]) -> NDArray[np.int64]:
    """Return ids (N,) of pictures: those of the present gallery, and new ones for the others."""
    known = dict(zip(gallery.paths, gallery.ids.tolist(), strict=True))
    following = max(max(known.values(), default=-1) + 1, next_id)
    found = []
    for path in paths:
        number = known.get(path)
        found.append(following if number is None else number)
        following += number is None
    return np.array(found, np.int64)


def _epochs(manifest: Manifest, training: TrainingSettings, pictures: int) -> int:
    """Return the epochs of a training from scratch."""
    chosen = manifest.settings.get("chosen", {}).get("epochs")
    if chosen is not None:
        return int(chosen)
    adapts = get_preset(manifest.preset).adapts
    return adapts.epochs(pictures) if adapts else training.epochs


def _settings(manifest: Manifest, **given: Any) -> BuildSettings:  # noqa: ANN401 - of any setting
    """Return the settings that the engine was built with, but for those given."""
    names = ("size", "channels", "latent", "batch_size", "learning_rate", "whiten", "metric")
    chosen = manifest.settings.get("chosen", {})
    height, width, channels = (manifest.image[name] for name in ("height", "width", "channels"))
    settings = BuildSettings(
        preset=manifest.preset,
        seed=manifest.seed,
        **{name: chosen[name] for name in names if name in chosen},
    )
    if height == width:  # what was found in the pictures then is not looked for again
        settings = replace(settings, size=height, channels=channels)
    return replace(settings, **{name: value for name, value in given.items() if value is not None})
