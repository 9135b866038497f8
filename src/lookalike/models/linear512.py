"""`animals-linear512`: the autoencoder of seed 000 (PyTorch, animal faces at 512×512)."""

from __future__ import annotations

from torch import nn

from lookalike.images.spec import ImageSpec
from lookalike.models.autoencoder import Autoencoder
from lookalike.models.sizes import latent_width, require_sides
from lookalike.models.transposed import QuickConvTranspose2d

__all__ = ["build_linear512"]

NETWORK = "animals-linear512"


def build_linear512(image: ImageSpec, latent: int | None) -> Autoencoder:
    """Return the network of `animals-linear512`, initialised as PyTorch does.

    The decoder makes 12 d + 8 rows of d, so only sides of that form work: 20, 32, ... 500, 512.

    Raises:
        SettingsError: the height or the width is of another form.
    """
    require_sides(NETWORK, image, _works, "sides of the form 12 d + 8")
    size = latent_width(NETWORK, latent, 512)
    height, width = _encoded(image.height), _encoded(image.width)
    flatten = 8 * height * width
    return Autoencoder(
        _encoder(image.channels, flatten, size),
        _decoder(image.channels, (8, height, width), size),
        input_shape=image.shape,
        latent_shape=(size,),
        flatten=flatten,
    )


def _encoder(channels: int, flatten: int, latent: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3, stride=3, padding=1),  # 512 -> 171
        nn.GELU(),
        nn.MaxPool2d(2, stride=2),  # 171 -> 85
        nn.Conv2d(16, 8, 3, stride=2, padding=1),  # 85 -> 43
        nn.GELU(),
        nn.MaxPool2d(2, stride=1),  # 43 -> 42
        nn.Flatten(),
        nn.Linear(flatten, latent),
    )


def _decoder(channels: int, shape: tuple[int, int, int], latent: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(latent, shape[0] * shape[1] * shape[2]),
        nn.ReLU(),
        nn.Unflatten(1, shape),
        QuickConvTranspose2d(8, 16, 3, stride=2),  # 42 -> 85
        nn.ReLU(),
        QuickConvTranspose2d(16, 8, 5, stride=3, padding=1),  # 85 -> 255
        nn.ReLU(),
        QuickConvTranspose2d(8, channels, 6, stride=2, padding=1),  # 255 -> 512
        nn.Tanh(),
    )


def _encoded(side: int) -> int:
    """Return the rows that the encoder leaves of `side`, layer by layer as above."""
    convolved = (side - 1) // 3 + 1
    pooled = convolved // 2
    return (pooled - 1) // 2 + 1 - 1


def _works(side: int) -> bool:
    rows = _encoded(side)
    return rows >= 1 and 12 * rows + 8 == side
