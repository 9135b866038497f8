"""Augmentation: random views of pictures, a whole batch at once, on whatever device it is.

Randomness comes from torch's own generators, which the loop seeds.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from lookalike.models.preset import TwinSettings

__all__ = ["augment"]

# A view's middle may move by this share of the side beyond what its crop allows.
SHIFT = 0.05
# Values are raised to a power between this and its inverse: gamma, the light of the scene.
GAMMA = 1.5


def augment(x: Tensor, settings: TwinSettings, *, flip: bool) -> Tensor:
    """Return one random view of each picture.

    A view is a crop of the picture, perhaps mirrored and slightly turned, in a slightly other
    light and colour. What lies outside the picture repeats its border.

    Args:
        x: pictures (B, C, H, W) in [0, 1].
        settings: how strong each change may be.
        flip: mirror half of the views.

    Returns:
        (B, C, H, W) in [0, 1], channels last in memory.
    """
    grid = functional.affine_grid(_placings(x, settings, flip=flip), list(x.shape), False)
    views = functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
    return _recolour(views, settings.colour).contiguous(memory_format=torch.channels_last)


def _placings(x: Tensor, settings: TwinSettings, *, flip: bool) -> Tensor:
    """Return affine maps (B, 2, 3) from a view's coordinates to its picture's."""
    count, (height, width) = len(x), x.shape[2:]
    sides = _uniform(x, (count, 2), settings.crop, 1).sqrt()
    middles = _uniform(x, (count, 2), -1, 1) * (1 - sides + SHIFT)
    angles = _uniform(x, (count,), -1, 1) * math.radians(settings.rotation)
    mirrors = torch.ones_like(angles)
    if flip:
        mirrors = torch.where(torch.rand_like(angles) < 0.5, -1.0, 1.0)
    cosines, sines = angles.cos(), angles.sin()
    placings = x.new_zeros(count, 2, 3)
    # Coordinates run from -1 to 1 on both axes: turning an oblong picture must know its shape.
    placings[:, 0, 0] = sides[:, 0] * mirrors * cosines
    placings[:, 0, 1] = -sides[:, 1] * sines * (height / width)
    placings[:, 1, 0] = sides[:, 0] * mirrors * sines * (width / height)
    placings[:, 1, 1] = sides[:, 1] * cosines
    placings[:, :, 2] = middles
    return placings


def _recolour(x: Tensor, strength: float) -> Tensor:
    """Return pictures with another gamma, brightness and balance of the channels."""
    if not strength:
        return x
    count, channels = x.shape[:2]
    gammas = (_uniform(x, (count, 1, 1, 1), -1, 1) * strength * math.log(GAMMA) * 2).exp()
    gains = 1 + _uniform(x, (count, 1, 1, 1), -1, 1) * strength
    tints = 1 + _uniform(x, (count, channels, 1, 1), -1, 1) * strength / 2
    gains = gains * tints if channels > 1 else gains
    return ((x.clamp(0, 1) + 1e-6).pow(gammas) * gains).clamp(0, 1)


def _uniform(like: Tensor, shape: tuple[int, ...], low: float, high: float) -> Tensor:
    return torch.rand(shape, device=like.device, dtype=like.dtype) * (high - low) + low
