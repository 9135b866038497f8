"""Strided convolutions around a short linear latent: `digits-conv16`, `animals-conv16`, `conv128`.

The autoencoder of seeds 001 and 002 (Keras).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from lookalike.images.spec import ImageSpec
from lookalike.models.autoencoder import Autoencoder
from lookalike.models.blocks import (
    FullSigmoid,
    LinearOfMap,
    LinearToMap,
    SameConv2d,
    glorot_init,
    keras_batch_norm,
)
from lookalike.models.sizes import latent_width
from lookalike.models.transposed import SameConvTranspose2d

__all__ = ["build_animals_conv16", "build_conv128", "build_digits_conv16"]

FILTERS = (32, 64)

Activation = Callable[[], nn.Module]
_leaky: Activation = partial(nn.LeakyReLU, 0.2, inplace=True)
_relu: Activation = partial(nn.ReLU, inplace=True)


def build_digits_conv16(image: ImageSpec, latent: int | None) -> Autoencoder:
    """Return the network of `digits-conv16`: LeakyReLU 0.2, latent 16; any size, any channels."""
    return _conv_autoencoder(image, latent_width("digits-conv16", latent, 16), _leaky)


def build_animals_conv16(image: ImageSpec, latent: int | None) -> Autoencoder:
    """Return the network of `animals-conv16`: ReLU, latent 16; any size, any channels."""
    return _conv_autoencoder(image, latent_width("animals-conv16", latent, 16), _relu)


def build_conv128(image: ImageSpec, latent: int | None) -> Autoencoder:
    """Return the network of `conv128`: LeakyReLU 0.2, latent 128; any size, any channels."""
    return _conv_autoencoder(image, latent_width("conv128", latent, 128), _leaky)


def _conv_autoencoder(image: ImageSpec, latent: int, activation: Activation) -> Autoencoder:
    # Each convolution halves upwards, 28 -> 14 -> 7; the decoder doubles, the excess is cropped.
    height, width = -(-image.height // 4), -(-image.width // 4)
    flatten = FILTERS[-1] * height * width
    model = Autoencoder(
        nn.Sequential(
            _down(image.channels, FILTERS[0], activation),  # (B, 32, H/2, W/2)
            _down(FILTERS[0], FILTERS[1], activation),  # (B, 64, H/4, W/4)
            nn.Identity(),  # the flattening, which the linear layer does; weights keep their names
            LinearOfMap(flatten, latent),
        ),
        nn.Sequential(
            LinearToMap(latent, (FILTERS[-1], height, width)),
            nn.Identity(),
            _up(FILTERS[1], FILTERS[1], activation),  # (B, 64, H/2, W/2)
            _up(FILTERS[1], FILTERS[0], activation),  # (B, 32, H, W)
            SameConvTranspose2d(FILTERS[0], image.channels, 3),
            FullSigmoid(),
        ),
        input_shape=image.shape,
        latent_shape=(latent,),
        flatten=flatten,
    )
    model.apply(glorot_init)
    return model


def _down(channels: int, filters: int, activation: Activation) -> nn.Sequential:
    return nn.Sequential(
        SameConv2d(channels, filters, 3, stride=2), activation(), keras_batch_norm(filters)
    )


def _up(channels: int, filters: int, activation: Activation) -> nn.Sequential:
    return nn.Sequential(
        SameConvTranspose2d(channels, filters, 3, stride=2), activation(), keras_batch_norm(filters)
    )
