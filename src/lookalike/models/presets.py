"""What is done with a preset of the registry: find it, size it, build it, describe it."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.errors import SettingsError
from lookalike.images.spec import ImageSpec
from lookalike.models.preset import Preset, PresetSummary, TrainingSettings
from lookalike.models.registry import DEFAULT_PRESET, PRESETS
from lookalike.types import OnProgress, silent

if TYPE_CHECKING:  # finding a preset imports no torch, building one does
    from torch import nn

    from lookalike.models.autoencoder import Network

__all__ = [
    "DEFAULT_PRESET",
    "PRESETS",
    "WEIGHTS_HOME",
    "Preset",
    "PresetSummary",
    "TrainingSettings",
    "build_model",
    "get_preset",
    "resolve_image",
    "summarise",
]

WEIGHTS_HOME = Path("~/.cache/lookalike/weights")
"""Where downloaded weights are kept unless another folder is given; expanded when it is used."""


def get_preset(name: str) -> Preset:
    """Return the preset called `name`.

    Raises:
        SettingsError: there is none; the message suggests the nearest name.
    """
    if name in PRESETS:
        return PRESETS[name]
    near = get_close_matches(name.lower(), PRESETS, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}? " if near else ""
    raise SettingsError(f"unknown preset {name!r}: {hint}There are {', '.join(PRESETS)}")


def resolve_image(
    preset: Preset, *, size: int | tuple[int, int] | None = None, channels: int | None = None
) -> ImageSpec:
    """Return the preset's input at another size or with other channels.

    Args:
        preset: whose input it is.
        size: a side of a square, or (height, width); None for the preset's own.
        channels: 1 or 3; None for the preset's own.

    Raises:
        SettingsError: the network cannot take that size or those channels.
    """
    image = preset.image
    height, width = (image.height, image.width) if size is None else _sides(size)
    wanted = image.channels if channels is None else channels
    if wanted != image.channels and max(len(image.mean), len(image.std)) > 1:
        raise SettingsError(
            f"preset {preset.name} takes {image.channels} channels, got {wanted}: "
            f"leave the channels out, grey pictures are turned into RGB"
        )
    resolved = replace(image, height=height, width=width, channels=wanted)
    _build_without_memory(preset, resolved, None)
    return resolved


def build_model(
    preset: Preset,
    image: ImageSpec,
    *,
    latent: int | None = None,
    weights: Path | None = None,
    seed: int = 0,
    weights_home: Path = WEIGHTS_HOME,
    on_progress: OnProgress = silent,
) -> Network:
    """Return the preset's network for `image`: newly initialised, or filled if it comes trained.

    The same seed gives the same weights, whatever was drawn before; the global random state is
    left as it was.

    Args:
        preset: what to build.
        image: the input, from `resolve_image`.
        latent: numbers in the latent; None for the preset's own.
        weights: file with the weights of a network that comes trained (.pth or .safetensors).
        seed: of the initial weights.
        weights_home: folder where downloaded weights are kept.
        on_progress: told how far a download is.

    Raises:
        SettingsError: the network cannot have this input or latent, or `weights` is not for it.
        WeightsError: the weights cannot be had, or are not those of this network.
        MissingExtraError: the library that brings the weights is not installed.
    """
    if weights is not None and preset.load_weights is None:
        raise SettingsError(
            f"preset {preset.name} is trained here and takes no weights: leave {weights} out"
        )
    import torch

    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed: that would seed the accelerators too, which nothing restores.
        torch.default_generator.manual_seed(seed)
        model = preset.build(image, latent)
    if preset.load_weights is not None:
        preset.load_weights(model, weights, weights_home.expanduser(), on_progress)
    return model.eval() if preset.pretrained else model


def summarise(preset: Preset) -> PresetSummary:
    """Return the preset's figures at its own size, without allocating its weights."""
    model = _build_without_memory(preset, preset.image, None)
    latent_shape: tuple[int, ...] = model.latent_shape
    encoder = model.get_submodule("encoder") if model.decodes else model
    return PresetSummary(
        name=preset.name,
        input_shape=preset.image.shape,
        latent_shape=latent_shape,
        latent_size=prod(latent_shape),
        encoder_parameters=_count_parameters(encoder),
        parameters=_count_parameters(model),
        flatten=model.flatten,
    )


def _sides(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def _build_without_memory(preset: Preset, image: ImageSpec, latent: int | None) -> Network:
    import torch

    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        return preset.build(image, latent)


def _count_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
