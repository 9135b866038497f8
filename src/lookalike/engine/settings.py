"""What a person may choose when an engine is built, and what follows from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.errors import SettingsError
from lookalike.gallery import Store, check_store
from lookalike.images import Collection, ImageSpec
from lookalike.images.decoding import decode_in_order
from lookalike.models import DEFAULT_PRESET, get_preset
from lookalike.training import resolve_device
from lookalike.types import Metric, check_metric

__all__ = ["BuildSettings", "natural_batch", "natural_image"]

# Pictures looked at to tell the size and the colour of a collection.
SAMPLE = 64
# Mean difference between the channels, of 255, under which a picture counts as grey.
GREY_TOLERANCE = 2.0
SMALLEST_BATCH = 32


@dataclass(frozen=True)
class BuildSettings:
    """What a person may choose; None leaves it to the preset.

    Attributes:
        preset: name of the preset.
        size: side in pixels to which pictures are decoded.
        channels: 1 for grey, 3 for colour.
        latent: width of the latent.
        epochs: passes over the training pictures.
        minutes: train as long as this, instead of a number of epochs.
        batch_size: pictures in one training step.
        learning_rate: of the optimiser.
        whiten: half-whiten the embeddings.
        metric: default metric of a search.
        seed: of weights, shuffling and samples.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        weights: file with pretrained weights, for presets that load some.
        store: "float16" halves the gallery on the disk; None is "float32".
    """

    preset: str = DEFAULT_PRESET
    size: int | None = None
    channels: int | None = None
    latent: int | None = None
    epochs: int | None = None
    minutes: float | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    whiten: bool | None = None
    metric: Metric | None = None
    seed: int = 0
    device: str = "auto"
    weights: Path | None = None
    store: Store | None = None

    def __post_init__(self) -> None:
        get_preset(self.preset)
        resolve_device(self.device)
        for name in ("size", "latent", "epochs", "batch_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingsError(f"{name.replace('_', '-')} is {value}: wanted 1 or more")
        if self.minutes is not None and not self.minutes > 0:
            raise SettingsError(f"minutes is {self.minutes}: wanted above 0")
        if self.minutes is not None and self.epochs is not None:
            raise SettingsError("minutes and epochs both say how long to train: choose one")
        if self.channels not in (None, 1, 3):
            raise SettingsError(f"channels is {self.channels}: wanted 1 (grey) or 3 (colour)")
        if self.learning_rate is not None and not 0 < self.learning_rate < 1:
            raise SettingsError(f"learning rate is {self.learning_rate}: wanted between 0 and 1")
        if not 0 <= self.seed < 2**63:
            raise SettingsError(f"seed is {self.seed}: wanted 0 to 2**63 - 1")
        if self.metric is not None:
            check_metric(self.metric)
        if self.store is not None:
            check_store(self.store)

    def chosen(self) -> dict[str, Any]:
        """Return what was chosen, without what was left to the preset."""
        return {
            name: str(value) if isinstance(value, Path) else value
            for name, value in asdict(self).items()
            if value is not None
        }


def natural_batch(pictures: int, most: int) -> int:
    """Return how many pictures make a step: at most a third of them, so that steps differ.

    >>> natural_batch(60_000, 512), natural_batch(785, 512), natural_batch(20, 512)
    (512, 256, 32)
    """
    size = SMALLEST_BATCH
    while size * 2 <= min(most, pictures / 3):
        size *= 2
    return size


def natural_image(collection: Collection, largest: int = 64) -> ImageSpec:
    """Return the size and colour that suit a collection, from a sample of its pictures.

    The side is the median of the pictures' shorter sides, rounded down to a multiple of 4, at
    least 8 and at most `largest`; grey if every picture of the sample is grey. The decoder
    halves twice, hence the 4.
    """
    probe = ImageSpec(height=32, width=32, channels=3)
    sides, grey = [], True
    places = np.linspace(0, len(collection) - 1, min(SAMPLE, len(collection))).astype(int)
    some = collection.with_pictures(collection.pictures[place] for place in places)
    for block in decode_in_order(some, probe):
        sides += [min(size) for size in block.sizes]
        for pixels in block.pixels.astype(np.float32):
            grey = grey and float(np.ptp(pixels, axis=2).mean()) < GREY_TOLERANCE
    side = int(np.median(sides)) if sides else largest
    side = min(largest, max(8, side - side % 4))
    return replace(probe, height=side, width=side, channels=1 if grey else 3)
