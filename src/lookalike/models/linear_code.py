"""A linear encoder solved in closed form: the principal components."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lookalike.errors import SettingsError

__all__ = ["LinearCode"]


class LinearCode(nn.Module):
    """Coordinates along principal axes: what the best linear autoencoder of that width keeps.

    Before `solve` the axes are random and orthonormal.

    Source: Baldi and Hornik, "Neural networks and principal component analysis" (1989).

    Args:
        inputs: numbers that go in.
        width: numbers that come out, at most `inputs`.

    Attributes:
        spread: standard deviation along each axis, (width,).
    """

    mean: Tensor
    axes: Tensor
    spread: Tensor

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("axes", torch.empty(inputs, width))
        self.register_buffer("spread", torch.ones(width))
        nn.init.orthogonal_(self.axes)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, width) of (B, inputs)."""
        return (x - self.mean) @ self.axes

    def solve(self, sample: Tensor) -> None:
        """Set mean and axes to those of `sample`, float (N, inputs), on the CPU.

        Axes that so few rows cannot fill are zero, so that they add nothing.

        Raises:
            SettingsError: the sample is empty or not finite.
        """
        if not len(sample) or not bool(torch.isfinite(sample).all()):
            raise SettingsError("the pictures to fit on are none, or their descriptors not finite")
        mean = sample.mean(dim=0, dtype=torch.float64)
        centred = sample - mean.float()
        inputs, width = self.axes.shape
        if len(sample) < inputs:  # the smaller of the two Gram matrices has the same spectrum
            values, vectors = torch.linalg.eigh((centred @ centred.T).double())
            values, vectors = values.flip(0)[:width], vectors.flip(1)[:, :width]
            lengths = values.clamp(min=0).sqrt()
            axes = centred.T.double() @ vectors / lengths.clamp(min=1e-12)
        else:
            values, vectors = torch.linalg.eigh((centred.T @ centred).double())
            values, axes = values.flip(0)[:width], vectors.flip(1)[:, :width]
        # The Gram matrix is float32: what is smaller than this is its rounding.
        axes = axes * (values > 1e-6 * values[0].clamp(min=1e-24))
        # An axis may point either way: its largest number is made positive.
        signs = axes.gather(0, axes.abs().argmax(dim=0, keepdim=True)).sign()
        solved = torch.zeros(inputs, width)
        solved[:, : axes.shape[1]] = (axes * signs).float()
        spread = torch.zeros(width)
        spread[: len(values)] = (values.clamp(min=0) / len(sample)).sqrt().float()
        self.mean.copy_(mean.float())
        self.axes.copy_(solved)
        self.spread.copy_(spread)
