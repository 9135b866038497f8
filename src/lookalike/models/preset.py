"""What a preset is: plain frozen data, and the functions that build its network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Literal

from torch import nn

from lookalike.errors import SettingsError
from lookalike.images.spec import ImageSpec
from lookalike.models.autoencoder import Network
from lookalike.types import Metric, OnProgress

__all__ = ["Build", "LoadWeights", "Preset", "PresetSummary", "TrainingSettings"]

Build = Callable[[ImageSpec, int | None], Network]
"""(image, latent width or None for the preset's own) -> the network, not yet trained."""

LoadWeights = Callable[[nn.Module, Path | None, Path, OnProgress], None]
"""(network, file given or None, folder where downloads are kept, progress): fills the network."""


@dataclass(frozen=True)
class TrainingSettings:
    """How a preset is trained.

    Attributes:
        loss: "mse" or "bce" (binary cross-entropy, for inputs in [0, 1]).
        epochs: passes over the training pictures, at most.
        batch_size: pictures in a step.
        learning_rate: of the optimiser, before its decay.
        optimizer: always Adam, with beta 0.9 and 0.999.
        epsilon: Adam's; 1e-7 in Keras, 1e-8 in PyTorch.
        decay: Keras' legacy decay, counted in steps: rate / (1 + decay * step).
        patience: stop after this many epochs without a better `monitor`; None never stops early.
        monitor: what early stopping watches, "loss" (training) or "val_loss".
        validation_fraction: share of the training pictures held out for the validation loss where
            the collection has no `val` split of its own.
        split_seed: seed of that split; not the seed of the training.
    """

    loss: Literal["mse", "bce"]
    epochs: int
    batch_size: int
    learning_rate: float = 1e-3
    optimizer: Literal["adam"] = "adam"
    epsilon: float = 1e-8
    decay: float = 0.0
    patience: int | None = None
    monitor: Literal["loss", "val_loss"] = "loss"
    validation_fraction: float = 0.0
    split_seed: int = 0

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
        if self.loss not in ("mse", "bce"):
            raise SettingsError(f"unknown loss {self.loss!r}: wanted mse or bce")


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
        adapts: whether size, colour and epochs follow the pictures unless they are chosen; `image`
            and `training` then say what they are for large, colourful collections.
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
    adapts: bool = False

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
