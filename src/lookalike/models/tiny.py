"""`tiny-conv8x8x8`: the autoencoder of seed 003 (TensorFlow, ImageNet at 32×32)."""

from __future__ import annotations

from torch import nn

from lookalike.images.spec import ImageSpec
from lookalike.models.autoencoder import Autoencoder
from lookalike.models.blocks import FullSigmoid, SameConv2d, he_init
from lookalike.models.sizes import latent_channels, require_sides

__all__ = ["build_tiny"]

NETWORK = "tiny-conv8x8x8"


def build_tiny(image: ImageSpec, latent: int | None) -> Autoencoder:
    """Return the network of `tiny-conv8x8x8`; `latent` sets the channels of the latent map.

    Raises:
        SettingsError: a side is not a multiple of 4, or `latent` of the area of the map.
    """
    require_sides(NETWORK, image, lambda side: side % 4 == 0, "sides that are multiples of 4")
    height, width = image.height // 4, image.width // 4
    maps = latent_channels(NETWORK, latent, height, width, 8)
    model = Autoencoder(
        _encoder(image.channels, maps),
        _decoder(image.channels, maps),
        input_shape=image.shape,
        latent_shape=(maps, height, width),
    )
    model.apply(he_init)
    return model


def _encoder(channels: int, maps: int) -> nn.Sequential:
    return nn.Sequential(
        *_convs(channels, 16, 32, 64),
        nn.MaxPool2d(2),  # 32 -> 16
        *_convs(64, 128, 64),
        nn.MaxPool2d(2),  # 16 -> 8
        *_convs(64, 32, 16),
        SameConv2d(16, maps, 3),
        nn.Sigmoid(),
    )


def _decoder(channels: int, maps: int) -> nn.Sequential:
    return nn.Sequential(
        *_convs(maps, 16, 32),
        nn.Upsample(scale_factor=2),  # 8 -> 16
        *_convs(32, 64, 128),
        nn.Upsample(scale_factor=2),  # 16 -> 32
        *_convs(128, 64, 32, 16),
        SameConv2d(16, channels, 3),
        FullSigmoid(),
    )


def _convs(channels: int, *filters: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for before, after in zip((channels, *filters), filters, strict=False):
        layers += [SameConv2d(before, after, 3), nn.ReLU()]
    return layers
