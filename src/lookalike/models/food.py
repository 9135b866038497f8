"""`food-dense128` and `food-conv13x13x8`: the autoencoders of seed 004 (Keras, 36 food photos)."""

from __future__ import annotations

from math import prod

from torch import nn

from lookalike.images.spec import ImageSpec
from lookalike.models.autoencoder import Autoencoder
from lookalike.models.blocks import FullSigmoid, SameConv2d, glorot_init
from lookalike.models.sizes import latent_channels, latent_width, require_sides

__all__ = ["build_food_conv", "build_food_dense"]

CONV = "food-conv13x13x8"


def build_food_dense(image: ImageSpec, latent: int | None) -> Autoencoder:
    """Return the network of `food-dense128`: one dense layer in, one out; any size."""
    size = latent_width("food-dense128", latent, 128)
    values = prod(image.shape)
    model = Autoencoder(
        nn.Sequential(nn.Flatten(), nn.Linear(values, size), nn.ReLU()),
        nn.Sequential(nn.Linear(size, values), FullSigmoid(), nn.Unflatten(1, image.shape)),
        input_shape=image.shape,
        latent_shape=(size,),
        flatten=values,
    )
    model.apply(glorot_init)
    return model


def build_food_conv(image: ImageSpec, latent: int | None) -> Autoencoder:
    """Return the network of `food-conv13x13x8`; `latent` sets the channels of the latent map.

    The decoder makes 8 d - 4 rows of d (13 -> 26 -> 52 -> 50 -> 100), so only sides of that form
    work: 4, 12, ... 92, 100.

    Raises:
        SettingsError: a side is of another form, or `latent` no multiple of the area of the map.
    """
    require_sides(CONV, image, lambda side: side % 8 == 4, "sides of the form 8 d - 4")
    height, width = (image.height + 4) // 8, (image.width + 4) // 8
    maps = latent_channels(CONV, latent, height, width, 8)
    model = Autoencoder(
        _encoder(image.channels, maps),
        _decoder(image.channels, maps),
        input_shape=image.shape,
        latent_shape=(maps, height, width),
    )
    model.apply(glorot_init)
    return model


def _encoder(channels: int, maps: int) -> nn.Sequential:
    # "same" pooling keeps the last odd row, as ceil_mode does: 100 -> 50 -> 25 -> 13.
    return nn.Sequential(
        SameConv2d(channels, 16, 3),
        nn.ReLU(),
        nn.MaxPool2d(2, ceil_mode=True),
        SameConv2d(16, 8, 3),
        nn.ReLU(),
        nn.MaxPool2d(2, ceil_mode=True),
        SameConv2d(8, maps, 3),
        nn.ReLU(),
        nn.MaxPool2d(2, ceil_mode=True),
    )


def _decoder(channels: int, maps: int) -> nn.Sequential:
    return nn.Sequential(
        SameConv2d(maps, 8, 3),
        nn.ReLU(),
        nn.Upsample(scale_factor=2),  # 13 -> 26
        SameConv2d(8, 8, 3),
        nn.ReLU(),
        nn.Upsample(scale_factor=2),  # 26 -> 52
        nn.Conv2d(8, 16, 3),  # "valid": 52 -> 50
        nn.ReLU(),
        nn.Upsample(scale_factor=2),  # 50 -> 100
        SameConv2d(16, channels, 3),
        FullSigmoid(),
    )
