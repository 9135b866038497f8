"""What a preset is: plain frozen data, and the functions that build its network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, prod
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from lookalike.errors import SettingsError
from lookalike.images.spec import ImageSpec
from lookalike.types import Metric, OnProgress

if TYPE_CHECKING:  # the registry is read without torch
    from torch import nn

    from lookalike.models.autoencoder import Network

__all__ = [
    "Adapts",
    "Build",
    "LoadWeights",
    "Preset",
    "PresetSummary",
    "TrainingSettings",
    "TwinSettings",
]

Build: TypeAlias = "Callable[[ImageSpec, int | None], Network]"
"""(image, latent width or None for the preset's own) -> the network, not yet trained."""

LoadWeights: TypeAlias = "Callable[[nn.Module, Path | None, Path, OnProgress], None]"
"""(network, file given or None, folder where downloads are kept, progress): fills the network."""


@dataclass(frozen=True)
class TwinSettings:
    """How the meaning of a twin autoencoder is trained, and how pictures are augmented for it.

    Attributes:
        temperature: of InfoNCE.
        neighbours: a picture's partners are its so many nearest by appearance; None takes the
            root of the number of pictures over ten, from 1 to 30.
        neighbour_share: share of the pictures paired with a neighbour; the others are paired with
            themselves.
        crop: smallest share of the area that a view shows.
        rotation: a view is turned by at most so many degrees.
        colour: brightness and channels change by at most this share.
        flip: mirror half of the views left to right; None looks at the pictures: see
            `lookalike.training.neighbours.is_mirrored`.
        decoded: pictures of each batch that the decoder is trained on, as a share.
    """

    temperature: float = 0.2
    neighbours: int | None = None
    neighbour_share: float = 1.0
    crop: float = 0.8
    rotation: float = 5.0
    colour: float = 0.3
    flip: bool | None = None
    decoded: float = 0.125

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise SettingsError(f"temperature must be above 0, got {self.temperature}")
        if self.neighbours is not None and self.neighbours < 1:
            raise SettingsError(f"neighbours must be 1 or more, got {self.neighbours}")
        for name in ("neighbour_share", "colour", "decoded"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingsError(f"{name} must be from 0 to 1, got {getattr(self, name)}")
        if not 0 < self.crop <= 1 or not 0 <= self.rotation <= 180:
            raise SettingsError(
                f"crop must be above 0 and at most 1, rotation from 0 to 180 degrees, "
                f"got {self.crop} and {self.rotation}"
            )


@dataclass(frozen=True)
class TrainingSettings:
    """How a preset is trained.

    Attributes:
        loss: "mse", "bce" (binary cross-entropy, for inputs in [0, 1]) or "twin" (InfoNCE of the
            meaning and, for the decoder, the mean squared error).
        epochs: passes over the training pictures, at most.
        batch_size: pictures in a step.
        learning_rate: of the optimiser, before its decay.
        optimizer: Adam, or with decoupled weight decay AdamW; beta 0.9 and 0.999.
        epsilon: Adam's; 1e-7 in Keras, 1e-8 in PyTorch.
        decay: Keras' legacy decay, counted in steps: rate / (1 + decay * step).
        weight_decay: AdamW's.
        schedule: "constant", or "cosine": to a hundredth over all steps, after a warm-up.
        warmup: steps over which a cosine schedule starts.
        patience: stop after this many epochs without a better `monitor`; None never stops early.
        monitor: what early stopping watches, "loss" (training) or "val_loss".
        validation_fraction: share of the training pictures held out for the validation loss where
            the collection has no `val` split of its own.
        split_seed: seed of that split; not the seed of the training.
        epoch_pictures: an epoch takes only so many of the pictures, others each time; None takes
            all.
        most_pictures: train on so many pictures at most, evenly spread over the collection; the
            others are searched all the same. None trains on all.
        twin: for the loss "twin" alone.
    """

    loss: Literal["mse", "bce", "twin"]
    epochs: int
    batch_size: int
    learning_rate: float = 1e-3
    optimizer: Literal["adam", "adamw"] = "adam"
    epsilon: float = 1e-8
    decay: float = 0.0
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: int = 100
    patience: int | None = None
    monitor: Literal["loss", "val_loss"] = "loss"
    validation_fraction: float = 0.0
    split_seed: int = 0
    epoch_pictures: int | None = None
    most_pictures: int | None = None
    twin: TwinSettings | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "epsilon"):
            if not getattr(self, name) > 0:
                raise SettingsError(f"{name} must be above 0, got {getattr(self, name)}")
        if self.decay < 0:
            raise SettingsError(f"decay must be 0 or more, got {self.decay}")
        if self.patience is not None and self.patience < 1:
            raise SettingsError(f"patience must be at least 1 or None, got {self.patience}")
        if not 0 <= self.validation_fraction < 1:
            raise SettingsError(
                f"validation_fraction must be from 0 to below 1, got {self.validation_fraction}"
            )
        if self.loss not in ("mse", "bce", "twin"):
            raise SettingsError(f"unknown loss {self.loss!r}: wanted mse, bce or twin")
        if (self.loss == "twin") != (self.twin is not None):
            raise SettingsError("the twin loss wants twin settings, and no other loss does")
        if self.decay and self.schedule != "constant":
            raise SettingsError("choose a decay or a cosine schedule, not both")

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of a step; `steps` is their number over the whole training.

        >>> settings = TrainingSettings("mse", 1, 8, learning_rate=1.0, schedule="cosine", warmup=2)
        >>> [round(settings.rate(step, 4), 3) for step in range(4)]
        [0.5, 0.855, 0.505, 0.155]
        """
        if self.schedule == "constant":
            return self.learning_rate / (1 + self.decay * step)
        rising = min(1.0, (step + 1) / max(1, min(self.warmup, steps // 2)))
        falling = 0.01 + 0.99 * (1 + cos(pi * min(1.0, step / max(1, steps)))) / 2
        return self.learning_rate * rising * falling


@dataclass(frozen=True)
class Adapts:
    """How size, batches and epochs follow the pictures, unless they are chosen.

    Attributes:
        largest: side of the largest input; smaller pictures make it smaller.
        seen: pictures that a training on few of them should see altogether.
        fewest: epochs, at least.
        most: epochs, at most.
        enlarged_from: pictures of this side and more are enlarged to `largest`, for a network that
            came trained on pictures of that size; None enlarges none.
    """

    largest: int
    seen: int
    fewest: int
    most: int
    enlarged_from: int | None = None

    def side(self, natural: int) -> int:
        """Return the side of the input for pictures whose own side is `natural`.

        >>> [Adapts(224, 1, 1, 1, enlarged_from=64).side(side) for side in (28, 108, 500)]
        [28, 224, 224]
        """
        if self.enlarged_from is not None and natural >= self.enlarged_from:
            return self.largest
        return min(natural, self.largest)

    def epochs(self, pictures: int) -> int:
        """Return how many passes suit so many training pictures: few pictures need many.

        >>> [Adapts(64, 80_000, 10, 50).epochs(n) for n in (785, 8_000, 60_000)]
        [50, 10, 10]
        """
        return min(self.most, max(self.fewest, round(self.seen / max(1, pictures))))


@dataclass(frozen=True)
class Preset:
    """A named way to make an encoder: network, training and search defaults.

    Attributes:
        name: as typed on the command line.
        summary: one line for `lookalike presets`.
        source: where it comes from, and what was changed and why.
        image: its own input; other sizes and channels by `resolve_image`.
        latent: its own latent shape, without the batch.
        training: how it is trained; None for a network that comes trained.
        metric: default metric of the search.
        k: default number of hits.
        build: makes the network.
        load_weights: fills a network that comes trained; None for one trained here.
        whiten: half-whiten the latents on the gallery.
        extra: name of the optional dependency it needs, if any.
        adapts: how size, colour, batches and epochs follow the pictures unless they are chosen;
            None keeps the preset's own, `image` and `training`, which otherwise say what they are
            for large, colourful collections.
    """

    name: str
    summary: str
    source: str
    image: ImageSpec
    latent: tuple[int, ...]
    training: TrainingSettings | None
    metric: Metric
    k: int
    build: Build
    load_weights: LoadWeights | None = None
    whiten: bool = False
    extra: str | None = None
    adapts: Adapts | None = None

    @property
    def pretrained(self) -> bool:
        """Whether the network comes trained."""
        return self.training is None


@dataclass(frozen=True)
class PresetSummary:
    """The figures of a preset at its own size.

    Attributes:
        name: of the preset.
        input_shape: (C, H, W).
        latent_shape: shape of one picture's latent, without the batch.
        latent_size: numbers in one latent.
        encoder_parameters: trainable parameters of the encoder (batch statistics not counted).
        parameters: trainable parameters of the whole network.
        flatten: values that enter the linear layer which makes the latent; None without one.
    """

    name: str
    input_shape: tuple[int, int, int]
    latent_shape: tuple[int, ...]
    latent_size: int
    encoder_parameters: int
    parameters: int
    flatten: int | None

    def __post_init__(self) -> None:
        if prod(self.latent_shape) != self.latent_size:
            raise SettingsError(f"latent {self.latent_shape} does not hold {self.latent_size}")
