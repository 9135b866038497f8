"""Choosing a preset: a short training of each candidate, compared on pictures held out."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.baselines import PRETRAINED_LIBRARY
from lookalike.engine.building import train_engine
from lookalike.engine.card import _embedder, small_copy
from lookalike.engine.choice import Candidate, Choice, keep_choice, read_choice
from lookalike.engine.facade import Engine
from lookalike.engine.manifest import Layout
from lookalike.engine.measure import evaluate
from lookalike.engine.settings import BuildSettings
from lookalike.engine.sources import source_name
from lookalike.engine.stages import cache_pictures
from lookalike.errors import SettingsError, TrainingStopped
from lookalike.evaluation import Strength, measure_copies
from lookalike.gallery import ExactIndex
from lookalike.images import Collection
from lookalike.models import Preset, get_preset, resolve_image
from lookalike.storage import storage_errors
from lookalike.types import OnProgress, Progress, check_metric, silent

__all__ = ["CANDIDATES", "choose_preset", "find_choice", "with_choice"]

CANDIDATES = ("twin", "conv128", "efficientnet-lite0", "efficientnet-lite0-twin")
"""The default, a plain autoencoder, a pretrained network and the default's losses on top of it."""

# Pictures that the candidates see, one in five of them as queries; an eighth of their own epochs.
MOST_PICTURES = 3_000
HELD_OUT = 5
SHARE_OF_EPOCHS = 8
FEWEST_EPOCHS = 2
FEWEST_PICTURES = 50
LEFT_OPEN = ("latent", "epochs", "batch_size", "learning_rate", "weights")
# Settings that the candidates are compared under, beside the pictures.
COMPARED_UNDER = ("size", "channels", "whiten", "metric", "seed")
BY_LABELS = "MAP@R by labels"
BY_COPIES = "recall@1 of medium and strong edited copies"
STRENGTHS: tuple[Strength, ...] = ("medium", "strong")


@dataclass(frozen=True)
class _Tried:
    """A candidate, what it was trained on and compared with."""

    candidate: Candidate
    pictures: int
    queries: int


@dataclass(frozen=True)
class _Measured:
    """A score, and how many pictures held out it is the mean of."""

    score: float
    queries: int


def choose_preset(
    collection: Collection,
    work: Path,
    settings: BuildSettings,
    *,
    on_progress: OnProgress = silent,
) -> Choice:
    """Train each candidate briefly on a sample of the pictures and compare them on the rest of it.

    Where folders or labels pair the held-out pictures with others, mean average precision decides;
    otherwise how often edited copies of the held-out pictures find them, among all of the sample.
    Test pictures of the collection are not looked at.

    Args:
        collection: the pictures.
        work: a folder for the candidates; removed afterwards.
        settings: size, colour, whitening, metric, seed and device are those of the build.
        on_progress: told which candidate is being tried.

    Raises:
        CollectionError: no picture can be read.
        SettingsError: there are too few pictures to compare candidates on, or no candidate can be
            built with the settings.
        TrainingStopped: stopped by Ctrl-C; nothing is kept.
    """
    sample = _sample(collection, settings.seed)
    against = {name: reason for name in CANDIDATES if (reason := _reason_against(name, settings))}
    missing = tuple(f"{name} ({reason})" for name, reason in against.items())
    names = [name for name in CANDIDATES if name not in against]
    if not names:
        raise SettingsError(f"no preset is left to choose from, not tried: {', '.join(missing)}")
    found = []
    try:
        for number, name in enumerate(names):
            on_progress(Progress("choose", number, len(names), name))
            found.append(_try(name, sample, work, settings, on_progress))
        on_progress(Progress("choose", len(names), len(names)))
    except (KeyboardInterrupt, TrainingStopped):
        raise TrainingStopped(
            "stopped while a preset was chosen; nothing is kept of that: build it again"
        ) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Choice(
        tuple(sorted((one.candidate for one in found), key=lambda one: -one.score)),
        BY_LABELS if _labels_pair(sample) else BY_COPIES,
        max(one.pictures for one in found),
        max(one.queries for one in found),
        missing,
        conditions=_conditions(collection, settings),
    )


def find_choice(
    collection: Collection,
    layout: Layout,
    settings: BuildSettings,
    *,
    resume: bool = False,
    on_progress: OnProgress = silent,
) -> Choice:
    """Return the choice that a build goes on with, or make one; what is left to it must be open.

    Args:
        collection: the pictures.
        layout: of the engine to be.
        settings: of the build; its preset does not count.
        resume: take the choice that the build was begun with, if it was made for the same.
        on_progress: told which candidate is being tried.

    Raises:
        SettingsError: something is set that the candidates differ in.
    """
    fixed = [name for name in LEFT_OPEN if getattr(settings, name) is not None]
    if fixed:
        raise SettingsError(
            f"choose compares presets as they are: leave out {', '.join(fixed)}, or name a preset"
        )
    begun = Layout(layout.partial)
    for known in (read_choice(begun), read_choice(layout)) if resume else ():
        if known is not None and known.conditions == _conditions(collection, settings):
            return _without_unused(known, settings)
    keep_choice(begun, None)
    work = layout.directory.with_name(f"{layout.directory.name}.choosing")
    choice = choose_preset(collection, work, settings, on_progress=on_progress)
    return _without_unused(choice, settings)


def with_choice(settings: BuildSettings, choice: Choice) -> BuildSettings:
    """Return the settings of a build with the preset that was chosen."""
    unused: dict[str, Any] = dict.fromkeys(choice.unused)
    return replace(settings, preset=choice.preset, **unused)


def _without_unused(choice: Choice, settings: BuildSettings) -> Choice:
    """Return the choice that says which settings go: what comes trained needs no minutes."""
    idle = get_preset(choice.preset).training is None and settings.minutes is not None
    return replace(choice, unused=("minutes",) if idle else ())


def _conditions(collection: Collection, settings: BuildSettings) -> dict[str, Any]:
    values = {name: getattr(settings, name) for name in COMPARED_UNDER}
    return {"source": source_name(collection), **values}


def _reason_against(name: str, settings: BuildSettings) -> str | None:
    """Return why a preset cannot be tried; None where it can."""
    preset = get_preset(name)
    if not _is_installed(preset):
        return "not installed"
    try:
        resolve_image(preset, size=settings.size, channels=settings.channels)
    except SettingsError as error:  # "preset NAME takes 3 channels, got 1: what to do"
        return str(error).split(":")[0].removeprefix(f"preset {name} ")
    return None


def _is_installed(preset: Preset) -> bool:
    return preset.extra is None or find_spec(PRETRAINED_LIBRARY) is not None


def _sample(collection: Collection, seed: int) -> Collection:
    """Return some pictures: one in five is a query, the others are trained on and searched."""
    pictures = [picture for picture in collection.pictures if picture.split != "test"]
    if len(pictures) < FEWEST_PICTURES:
        raise SettingsError(
            f"{len(pictures)} pictures are too few to choose by: wanted {FEWEST_PICTURES} or more, "
            "or name a preset (--preset)"
        )
    order = np.random.default_rng(seed).permutation(len(pictures))[:MOST_PICTURES]
    chosen = tuple(
        replace(pictures[place], split="test" if number % HELD_OUT == 0 else "train")
        for number, place in enumerate(order.tolist())
    )
    return replace(collection, pictures=tuple(sorted(chosen, key=lambda one: one.path)))


def _labels_pair(sample: Collection) -> bool:
    """Whether at least two labels of queries are found among the others too."""
    known = {one.label for one in sample.pictures if one.split == "train"}
    asked: Sequence[str | None] = [one.label for one in sample.pictures if one.split == "test"]
    return len({label for label in asked if label is not None and label in known}) >= 2


def _try(
    name: str, sample: Collection, work: Path, settings: BuildSettings, on_progress: OnProgress
) -> _Tried:
    """Train a candidate briefly and measure it."""
    preset = get_preset(name)
    epochs = None
    if preset.training is not None:
        own = preset.adapts.epochs(len(sample)) if preset.adapts else preset.training.epochs
        epochs = max(FEWEST_EPOCHS, ceil(own / SHARE_OF_EPOCHS))
    brief = replace(settings, preset=name, epochs=epochs, minutes=None)
    with storage_errors(work):
        work.mkdir(parents=True, exist_ok=True)
    place = work / f"{name}.lookalike"
    engine = train_engine(sample, place, brief, fill=True, overwrite=True, on_progress=on_progress)
    by_labels = _labels_pair(sample)
    measured = _by_labels(engine) if by_labels else _by_copies(engine, sample, on_progress)
    seconds = float(engine.manifest.timings.get("train", 0.0))
    candidate = Candidate(name, measured.score, seconds)
    return _Tried(candidate, engine.manifest.counts.train, measured.queries)


def _by_labels(engine: Engine) -> _Measured:
    metrics = evaluate(engine, None, baselines=False).engine
    return _Measured(metrics.map_at_r, metrics.queries)


def _by_copies(engine: Engine, sample: Collection, on_progress: OnProgress) -> _Measured:
    """Measure with copies of the pictures held out, which are searched beside all others."""
    encoder = engine.encoder
    cache = cache_pictures(sample, engine.image, engine.layout)
    asked = cache.rows("test")
    rows: NDArray[np.int64] = np.concatenate([asked, cache.rows("train")])
    places = {picture.path: place for place, picture in enumerate(sample.pictures)}

    def read(position: int) -> NDArray[np.uint8]:
        picture = sample.read(places[cache.paths[rows[position]]])
        return small_copy(engine, picture)

    copies = measure_copies(
        read,
        _embedder(encoder.embed, engine.image),
        ExactIndex(encoder.embed(cache.pixels, rows), check_metric(engine.manifest.metric)),
        np.arange(len(asked)),
        strengths=STRENGTHS,
        same=np.unique([cache.sha256[row] for row in rows], return_inverse=True)[1],
        seed=engine.manifest.seed,
        on_progress=on_progress,
    )
    score = np.mean([copies.mean(strength).recall_at_1 for strength in STRENGTHS])
    return _Measured(float(score), copies.pictures)
