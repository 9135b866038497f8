"""Choosing a preset: a short training of each candidate, compared on pictures held out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.engine.baselines import PRETRAINED_LIBRARY
from lookalike.engine.building import train_engine
from lookalike.engine.card import CopyBench
from lookalike.engine.facade import Engine
from lookalike.engine.manifest import Layout
from lookalike.engine.measure import evaluate
from lookalike.engine.settings import BuildSettings
from lookalike.errors import SettingsError
from lookalike.images import Collection
from lookalike.models import get_preset
from lookalike.storage import storage_errors, write_text
from lookalike.types import OnProgress, Progress, silent

__all__ = [
    "CANDIDATES",
    "Candidate",
    "Choice",
    "choose_preset",
    "chosen_settings",
    "keep_choice",
    "read_choice",
]

CANDIDATES = ("twin", "conv128", "efficientnet-lite0", "efficientnet-lite0-twin")
"""The default, a plain autoencoder, a pretrained network and the default's losses on top of it."""

# Pictures that the candidates see, one in five of them as queries; an eighth of their own epochs.
MOST_PICTURES = 3_000
HELD_OUT = 5
SHARE_OF_EPOCHS = 8
FEWEST_EPOCHS = 2
FEWEST_PICTURES = 50
CHOICE = "choice.json"
LEFT_OPEN = ("latent", "epochs", "batch_size", "learning_rate", "weights")
BY_LABELS = "MAP@R by labels"
BY_COPIES = "recall@1 of medium and strong edited copies"


@dataclass(frozen=True)
class Candidate:
    """How a preset did.

    Attributes:
        preset: its name.
        score: what it is compared by, higher is better.
        seconds: of its short training.
    """

    preset: str
    score: float
    seconds: float


@dataclass(frozen=True)
class Choice:
    """Which preset was chosen, and why.

    Attributes:
        candidates: the best first.
        measure: what `score` is.
        pictures: that they were trained on.
        queries: that they were compared with.
        missing: presets that could not be tried.
    """

    candidates: tuple[Candidate, ...]
    measure: str
    pictures: int
    queries: int
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        scores = [candidate.score for candidate in self.candidates]
        if not scores or scores != sorted(scores, reverse=True):
            raise SettingsError(f"candidates have scores {scores}: wanted some, the best first")

    @property
    def preset(self) -> str:
        """The one chosen."""
        return self.candidates[0].preset

    @property
    def sentence(self) -> str:
        """What was chosen and why, for people."""
        scores = ", ".join(f"{one.preset} {one.score:.3f}" for one in self.candidates)
        without = f"; not tried, not installed: {', '.join(self.missing)}" if self.missing else ""
        return (
            f"chose {self.preset}: {self.measure}, {self.queries:,} queries held out, after short "
            f"trainings on {self.pictures:,} pictures: {scores}{without}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {"preset": self.preset, **asdict(self)}


def choose_preset(
    collection: Collection,
    work: Path,
    settings: BuildSettings,
    *,
    on_progress: OnProgress = silent,
) -> Choice:
    """Train each candidate briefly on a sample of the pictures and compare them on the rest of it.

    Where folders or labels pair the held-out pictures with others, mean average precision decides;
    otherwise how often edited copies find their originals. Test pictures of the collection are
    not looked at.

    Args:
        collection: the pictures.
        work: a folder for the candidates; removed afterwards.
        settings: size, colour, seed and device are those of the build.
        on_progress: told which candidate is being tried.

    Raises:
        CollectionError: no picture can be read.
        SettingsError: there are too few pictures to compare candidates on.
    """
    sample = _sample(collection, settings.seed)
    by_labels = _labels_pair(sample)
    installed = find_spec(PRETRAINED_LIBRARY) is not None
    tried = [name for name in CANDIDATES if installed or get_preset(name).extra is None]
    found = []
    try:
        for number, name in enumerate(tried):
            on_progress(Progress("choose", number, len(tried), name))
            engine = _train(sample, work / f"{name}.lookalike", name, settings, on_progress)
            score = _by_labels(engine) if by_labels else _by_copies(engine, sample, on_progress)
            seconds = float(engine.manifest.timings.get("train", 0.0))
            found.append(Candidate(name, score, seconds))
        on_progress(Progress("choose", len(tried), len(tried)))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    queries = sum(picture.split == "test" for picture in sample.pictures)
    return Choice(
        tuple(sorted(found, key=lambda one: -one.score)),
        BY_LABELS if by_labels else BY_COPIES,
        len(sample.pictures) - queries,
        queries if by_labels else len(sample.pictures) - queries,
        tuple(name for name in CANDIDATES if name not in tried),
    )


def chosen_settings(
    collection: Collection,
    layout: Layout,
    settings: BuildSettings,
    *,
    resume: bool = False,
    on_progress: OnProgress = silent,
) -> BuildSettings:
    """Return the settings of a build with the best preset; what is left to it must be left open.

    The choice is kept beside the engine to be, so that a build that is gone on with does not
    choose again.

    Raises:
        SettingsError: something is set that the candidates differ in.
    """
    fixed = [name for name in LEFT_OPEN if getattr(settings, name) is not None]
    if fixed:
        raise SettingsError(
            f"choose compares presets as they are: leave out {', '.join(fixed)}, or name a preset"
        )
    place = _beside(layout)
    choice = (_read(place) or read_choice(layout)) if resume else None
    if choice is None:
        work = place.with_name(place.name + ".work")
        choice = choose_preset(collection, work, settings, on_progress=on_progress)
        write_text(place, json.dumps(choice.as_dict(), indent=2) + "\n")
    pretrained = get_preset(choice.preset).training is None
    # A network that comes trained has nothing to spend the minutes on.
    return replace(settings, preset=choice.preset, minutes=None if pretrained else settings.minutes)


def keep_choice(layout: Layout) -> None:
    """Move the choice from beside the engine to its other figures."""
    place = _beside(layout)
    if place.exists():
        with storage_errors(layout.reports):
            place.replace(layout.reports / CHOICE)


def read_choice(layout: Layout) -> Choice | None:
    """Return the choice that an engine was built by, if it was."""
    return _read(layout.reports / CHOICE)


def _beside(layout: Layout) -> Path:
    return layout.directory.with_name(f"{layout.directory.name}.{CHOICE}")


def _read(place: Path) -> Choice | None:
    try:
        values = json.loads(place.read_text(encoding="utf-8"))
        values.pop("preset")
        candidates = tuple(Candidate(**one) for one in values.pop("candidates"))
        missing = tuple(values.pop("missing"))
        return Choice(candidates, missing=missing, **values)
    except (OSError, ValueError, KeyError, TypeError):
        return None


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


def _train(
    sample: Collection, place: Path, name: str, settings: BuildSettings, on_progress: OnProgress
) -> Engine:
    preset = get_preset(name)
    epochs = None
    if preset.training is not None:
        own = preset.adapts.epochs(len(sample)) if preset.adapts else preset.training.epochs
        epochs = max(FEWEST_EPOCHS, ceil(own / SHARE_OF_EPOCHS))
    brief = BuildSettings(
        preset=name,
        size=settings.size,
        channels=settings.channels if preset.training is not None else None,
        epochs=epochs,
        seed=settings.seed,
        device=settings.device,
    )
    with storage_errors(place):
        place.parent.mkdir(parents=True, exist_ok=True)
    return train_engine(sample, place, brief, fill=True, overwrite=True, on_progress=on_progress)


def _by_labels(engine: Engine) -> float:
    return evaluate(engine, None, baselines=False).engine.map_at_r


def _by_copies(engine: Engine, sample: Collection, on_progress: OnProgress) -> float:
    copies = CopyBench.of(engine, sample, on_progress).measure_engine().copies
    return (copies.mean("medium").recall_at_1 + copies.mean("strong").recall_at_1) / 2
