"""The twin autoencoder: an appearance latent that decodes, and a meaning latent beside it.

*Appearance* holds what a linear autoencoder keeps of the picture and of its gradients, textures
and colours. The best linear autoencoder is known without training, it is the principal components;
a convolutional decoder learns to rebuild the picture from them. *Meaning* comes from a residual
network on the same gradients, trained so that a picture and its nearest neighbours agree whatever
augmentation does to them. docs/experiments.md has what was tried.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.errors import SettingsError
from lookalike.images.spec import ImageSpec
from lookalike.models.appearance import AppearanceEncoder
from lookalike.models.autoencoder import Autoencoder
from lookalike.models.descriptors import ORIENTATIONS, Orientations, shrink
from lookalike.models.sizes import latent_width
from lookalike.parts import LatentPart

__all__ = ["TwinAutoencoder", "TwinDecoder", "build_twin", "check_twin_image", "projection"]

WIDTH = 64
MEANING = 128
PROJECTION = (256, 128)
# The meaning's network sees pictures of at most this side, cut into about GRID patches a side.
LONGEST = 64
GRID = 14
SMALLEST = 8
DECODER_FILTERS = (64, 32, 16, 16)


def build_twin(image: ImageSpec, latent: int | None) -> TwinAutoencoder:
    """Return the twin for `image`, of any size from 8×8; `latent` is the meaning's width."""
    check_twin_image("twin", image)
    return TwinAutoencoder(image, latent_width("twin", latent, MEANING))


def check_twin_image(preset: str, image: ImageSpec) -> None:
    """Check that a twin can describe such pictures.

    Raises:
        SettingsError: they are smaller than 8×8, or not in [0, 1].
    """
    if min(image.height, image.width) < SMALLEST:
        raise SettingsError(
            f"preset {preset} wants pictures of at least {SMALLEST}×{SMALLEST}, "
            f"got {image.height}×{image.width}: choose a larger size"
        )
    if any(image.mean) or any(value != 1 for value in image.std):
        raise SettingsError(f"preset {preset} wants inputs in [0, 1]: leave mean and std alone")


def projection(meaning: int) -> nn.Sequential:
    """Return what maps meanings (B, meaning) to the space where views are compared (B, 128)."""
    hidden, out = PROJECTION
    return nn.Sequential(
        nn.BatchNorm1d(meaning),
        nn.ReLU(),
        nn.Linear(meaning, hidden, bias=False),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Linear(hidden, out),
    )


class TwinAutoencoder(Autoencoder):
    """Two latents side by side: (B, C, H, W) in [0, 1] -> (B, appearance + meaning).

    Attributes:
        parts: the latent's parts, in the order of its numbers.
        head: maps meanings (B, M) to the space where augmented views are compared; used only in
            training.
    """

    balance_of_few = 0.3
    encoder: TwinEncoder
    decoder: TwinDecoder

    def __init__(self, image: ImageSpec, meaning: int) -> None:
        encoder = TwinEncoder(image.shape, meaning)
        width = encoder.appearance_width
        super().__init__(
            encoder,
            TwinDecoder(width, image.shape),
            input_shape=image.shape,
            latent_shape=(width + meaning,),
        )
        self.parts = encoder.parts
        self.head = projection(meaning)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstructions (B, C, H, W) of pictures; they need no meaning."""
        return self.decode(self.encoder.appearance(x))

    def fit(self, batches: Iterable[Tensor]) -> None:
        """Solve the linear codes on pictures, batches of (B, C, H, W) in [0, 1]."""
        self.encoder.fit(batches)
        self.decoder.rescale(self.encoder.spread)


class TwinEncoder(AppearanceEncoder):
    """Appearance codes and meaning of pictures (B, C, H, W), side by side."""

    def __init__(self, shape: tuple[int, int, int], meaning: int) -> None:
        super().__init__(shape)
        self.parts = (*self.parts, LatentPart("meaning", meaning, "meaning", 1.0))
        self.body = Body(*shape)
        self.last = nn.Linear(self.body.width, meaning)

    def meaning(self, x: Tensor) -> Tensor:
        """Return the meaning latents (B, M) of pictures (B, C, H, W)."""
        found: Tensor = self.last(self.body(x))
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Return the latents (B, A + M) of pictures (B, C, H, W)."""
        return torch.cat([self.appearance(x), self.meaning(x)], dim=1)


class Body(nn.Module):
    """A small residual network on oriented gradients and patches: what the meaning is made from.

    Attributes:
        width: numbers it gives for each picture.
    """

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        with torch.device("meta"):
            seen = shrink(torch.zeros(1, channels, height, width), LONGEST).shape[2:]
        self.patch = max(1, min(seen) // GRID)
        grid = [-(-side // (2 * self.patch)) * 2 for side in seen]  # even: it is halved once
        self.padded = [side * self.patch for side in grid]
        self.orientations = Orientations()
        entering = ORIENTATIONS + channels * self.patch**2
        self.layers = nn.Sequential(
            *_convolution(entering, WIDTH),
            Residual(WIDTH),
            nn.PixelUnshuffle(2),  # a stride of 2 trains five times slower in bfloat16 on CPUs
            *_convolution(4 * WIDTH, 2 * WIDTH, kernel=1),
            Residual(2 * WIDTH),
            nn.Flatten(),
        )
        self.width = 2 * WIDTH * (grid[0] // 2) * (grid[1] // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, width) of pictures (B, C, H, W)."""
        x = shrink(x, LONGEST)
        down, across = self.padded[0] - x.shape[2], self.padded[1] - x.shape[3]
        if down or across:
            x = functional.pad(x, (0, across, 0, down), "replicate")
        gradients = functional.avg_pool2d(self.orientations(x), self.patch)
        patches = functional.pixel_unshuffle(x, self.patch)
        seen = torch.cat([(gradients + 1e-4).sqrt(), patches], dim=1)
        found: Tensor = self.layers(seen.contiguous(memory_format=torch.channels_last))
        return found


class Residual(nn.Module):
    """Two convolutions beside a shortcut; at first nothing but the shortcut.

    Source: He et al., "Deep Residual Learning for Image Recognition" (2016).
    """

    def __init__(self, filters: int) -> None:
        super().__init__()
        last = nn.BatchNorm2d(filters)
        nn.init.zeros_(last.weight)
        self.layers = nn.Sequential(
            *_convolution(filters, filters),
            nn.Conv2d(filters, filters, 3, padding=1, bias=False),
            last,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, H, W) of (B, C, H, W)."""
        return functional.relu(x + self.layers(x))


class TwinDecoder(nn.Module):
    """Rebuilds pictures (B, C, H, W) in [0, 1] from the appearance, the latent's first numbers.

    Args:
        appearance: numbers of the latent that it uses.
        shape: (C, H, W) of the pictures.
    """

    scale: Tensor

    def __init__(self, appearance: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, height, width = shape
        self.appearance = appearance
        doublings = 2
        while doublings < len(DECODER_FILTERS) and max(height, width) > 8 * 2**doublings:
            doublings += 1
        grid = [-(-side // 2**doublings) for side in (height, width)]
        first = DECODER_FILTERS[0]
        steps: list[nn.Module] = [
            nn.Linear(appearance, first * grid[0] * grid[1]),
            nn.Unflatten(1, (first, *grid)),
        ]
        filters = [first, *DECODER_FILTERS[:doublings]]
        for before, after in pairwise(filters):
            steps += [nn.Upsample(scale_factor=2), *_convolution(before, after)]
        steps += [nn.Conv2d(filters[-1], channels, 3, padding=1), nn.Sigmoid()]
        self.register_buffer("scale", torch.ones(appearance))
        self.layers = nn.Sequential(*steps)

    def forward(self, z: Tensor) -> Tensor:
        """Return (B, C, H', W'), H' >= H and W' >= W, of latents (B, A) or (B, A + M)."""
        rebuilt: Tensor = self.layers(z[:, : self.appearance] / self.scale)
        return rebuilt

    def rescale(self, spread: Tensor) -> None:
        """Divide the numbers of an appearance by the root of their spread (A,) from now on."""
        largest = spread.max().clamp(min=1e-6)
        self.scale.copy_((spread * largest).sqrt().clamp(min=1e-3 * largest))


def _convolution(channels: int, filters: int, kernel: int = 3) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, filters, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU(),
    ]
