"""What a picture says without any training: gradients, textures and colours, as torch modules.

Gradient histograms carry much of what retrieval needs and no reconstruction of pixels asks for
(docs/experiments.md), so the twin autoencoder starts from them. None has a weight to train.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["ORIENTATIONS", "Colours", "Gradients", "Orientations", "Pixels", "Textures", "shrink"]

ORIENTATIONS = 16
# An orientation's share of a gradient is cos(angle between them), cut at 0, squared so often.
DOUBLINGS = 4
SMALLEST_SQUARE = 1e-8
COLOUR_BINS = 8
GREY_BINS = 32


def shrink(x: Tensor, longest: int) -> Tensor:
    """Return pictures (B, C, H, W) averaged down by a whole factor, if a side is above `longest`.

    >>> shrink(torch.zeros(1, 3, 128, 96), 64).shape
    torch.Size([1, 3, 64, 48])
    """
    factor = -(-max(x.shape[2:]) // longest)
    return x if factor <= 1 else functional.avg_pool2d(x, factor, ceil_mode=True)


class Orientations(nn.Module):
    """The gradient of the brightness, split by its direction.

    A gradient of length m in direction a counts as m·max(0, cos(a - a_k))¹⁶ for each of 16
    directions a_k of the full circle: histograms of oriented gradients with smooth bins, made of
    convolutions and products only.

    Source: Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection" (2005).
    """

    directions: Tensor

    def __init__(self) -> None:
        super().__init__()
        angles = [2 * math.pi * k / ORIENTATIONS for k in range(ORIENTATIONS)]
        across_and_down = torch.tensor([[math.cos(a), math.sin(a)] for a in angles])
        self.register_buffer("directions", across_and_down[:, :, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 16, H, W) of pictures (B, C, H, W)."""
        grey = functional.pad(x.mean(dim=1, keepdim=True), (1, 1, 1, 1), "replicate")
        slope = self.slope(grey)
        length = (slope.square().sum(dim=1, keepdim=True) + SMALLEST_SQUARE).sqrt()
        # Made m^(1/16) long, its part in a direction has the power that is wanted once it is
        # squared four times: nothing else has to be done to sixteen maps, where the time goes.
        root = length
        for _ in range(DOUBLINGS):
            root = root.sqrt()
        with torch.autocast(x.device.type, enabled=False):  # a sixteenth power wants precision
            share = functional.conv2d(slope * (root / length), self.directions).relu_()
        for _ in range(DOUBLINGS):
            share = share.square_()
        return share

    def slope(self, padded: Tensor) -> Tensor:
        """Return the slopes across and down (B, 2, H, W) of greys (B, 1, H + 2, W + 2)."""
        across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
        down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
        return torch.cat([across, down], dim=1)


class Gradients(nn.Module):
    """Where which edges are: roots of mean oriented gradients over overlapping cells.

    A cell is a seventh of the shorter side, cells overlap by half; above 64 pixels a side the
    picture is averaged down first.

    Args:
        height: of the pictures.
        width: of the pictures.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.orientations = Orientations()
        side = min(shrink(torch.zeros(1, 1, height, width), 64).shape[2:])
        self.cell = max(1, round(side / 7))
        self.stride = max(1, self.cell // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, D) of pictures (B, C, H, W)."""
        cells = functional.avg_pool2d(self.orientations(shrink(x, 64)), self.cell, self.stride)
        return cells.clamp(min=0).sqrt().flatten(1)


class Textures(nn.Module):
    """Which edges there are, nearly wherever they are: 3×3 large cells, at up to three scales."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.orientations = Orientations()
        sides = min(height, width)
        self.scales = [n for n in (1, 2, 4) if sides // n >= 12] or [1]

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 144 or 288 or 432) of pictures (B, C, H, W)."""
        found = []
        for scale in self.scales:
            smaller = x if scale == 1 else functional.avg_pool2d(x, scale)
            towards = self.orientations(smaller)
            kernel = [max(1, side // 2) for side in towards.shape[2:]]
            stride = [max(1, side // 4) for side in towards.shape[2:]]
            cells = functional.avg_pool2d(towards, kernel, stride)[:, :, :3, :3]
            found.append(cells.clamp(min=0).sqrt().flatten(1))
        return torch.cat(found, dim=1)


class Colours(nn.Module):
    """Which colours there are: roots of the shares of 8×8×8 colours, or of 32 greys.

    A value between the middles of two bins counts for both, so that a slightly other light moves
    little. Above 64 pixels a side the picture is thinned, not averaged: averages are new colours.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 512), or (B, 32) of grey pictures, of pictures (B, C, H, W) in [0, 1]."""
        step = -(-max(x.shape[2:]) // 64)
        values = x[:, :, ::step, ::step].flatten(2)  # (B, C, P)
        if x.shape[1] == 1:
            return _soft_bins(values[:, 0], GREY_BINS).mean(dim=2).sqrt()
        red, green, blue = (_soft_bins(values[:, c], COLOUR_BINS) for c in range(3))  # (B, 8, P)
        pairs = (red[:, :, None] * green[:, None]).flatten(1, 2)  # (B, 64, P)
        shares = pairs @ blue.transpose(1, 2) / values.shape[2]  # (B, 64, 8)
        return shares.clamp(min=0).sqrt().flatten(1)


class Pixels(nn.Module):
    """The picture itself, small: roots of the values, averaged down to at most 32 a side."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, D) of pictures (B, C, H, W) in [0, 1]."""
        return shrink(x, 32).clamp(min=0).sqrt().flatten(1)


def _soft_bins(values: Tensor, bins: int) -> Tensor:
    """Return how much each value (B, P) in [0, 1] belongs to each bin, (B, bins, P); sums are 1."""
    middles = torch.arange(bins, device=values.device, dtype=values.dtype)[:, None]
    places = (values * bins - 0.5).clamp(0, bins - 1)
    return (1 - (places[:, None] - middles).abs()).clamp(min=0)
