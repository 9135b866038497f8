"""A transposed convolution of stride 1 to few filters, as a product of matrices.

oneDNN computes 16 filters at a time, also where a picture has one or three channels. Here each
pixel is multiplied by all taps of the kernel at once, and what each tap gave is added where it
belongs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

__all__ = ["halved", "transposed_by_taps"]

# Computed at once.
_VALUES = 4_000_000


def transposed_by_taps(x: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
    """Return what `conv_transpose2d` of stride 1 does.

    Args:
        x: (B, C, H, W), best channels last in memory.
        weight: (C, F, k, k).
        bias: (F,).
        padding: rows and columns that are cut off on each side.

    Returns:
        (B, F, H + k - 1 - 2 * padding, W + k - 1 - 2 * padding), in the halved precision under
        autocast.
    """
    found: Tensor = _Taps.apply(x, weight, bias, padding)  # type: ignore[no-untyped-call]
    return found


def halved(*values: Tensor) -> tuple[Tensor, ...]:
    """Return what a layer computes with: under autocast on the CPU, the halved precision."""
    if not torch.is_autocast_enabled("cpu") or values[0].dtype == torch.float64:
        return values
    dtype = torch.get_autocast_dtype("cpu")
    return tuple(value.to(dtype) for value in values)


class _Taps(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch's
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        padding: int,
    ) -> Tensor:
        x, weight = halved(x, weight)
        taps = weight.permute(2, 3, 1, 0).reshape(-1, x.shape[1])  # (k * k * F, C)
        ctx.save_for_backward(x, taps)
        ctx.shapes, ctx.padding = (x.shape, weight.shape), padding
        (batch, channels, height, width), (_, filters, kernel, _) = ctx.shapes
        whole = bias.view(-1, 1, 1, 1).repeat(1, batch, height + kernel - 1, width + kernel - 1)
        for some in _few(batch, len(taps) * height * width):
            rows = x[some].permute(0, 2, 3, 1).reshape(-1, channels)  # (b * H * W, C)
            with torch.autocast("cpu", enabled=False):
                given = torch.mm(taps, rows.T).to(bias.dtype)  # sums are not halved
            given = given.view(kernel, kernel, filters, -1, height, width)
            for row in range(kernel):
                for column in range(kernel):
                    kept = whole[:, some, row : row + height, column : column + width]
                    kept += given[row, column]
        cut = whole[:, :, padding : whole.shape[2] - padding, padding : whole.shape[3] - padding]
        # A tensor of its own, which may be changed in place.
        found = torch.empty(
            (batch, filters, *cut.shape[2:]), dtype=x.dtype, memory_format=torch.channels_last
        )
        return found.copy_(cut.transpose(0, 1))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        x, taps = ctx.saved_tensors
        (batch, channels, height, width), (_, filters, kernel, _) = ctx.shapes
        whole = functional.pad(gradient.transpose(0, 1), (ctx.padding,) * 4)
        of_x = of_weight = of_bias = None
        of_rows = x.new_empty((batch, height, width, channels))
        of_taps = torch.zeros(taps.shape, device=x.device)
        for some in _few(batch, len(taps) * height * width):
            given = whole[:, some].unfold(2, height, 1).unfold(3, width, 1)  # (F, b, k, k, H, W)
            given = given.permute(2, 3, 0, 1, 4, 5).reshape(len(taps), -1)
            if ctx.needs_input_grad[0]:
                torch.mm(given.T, taps, out=of_rows[some].view(-1, channels))
            if ctx.needs_input_grad[1]:
                rows = x[some].permute(0, 2, 3, 1).reshape(-1, channels)
                of_taps = of_taps + torch.mm(given, rows)
        if ctx.needs_input_grad[0]:
            of_x = of_rows.permute(0, 3, 1, 2)
        if ctx.needs_input_grad[1]:
            of_weight = of_taps.view(kernel, kernel, filters, channels).permute(3, 2, 0, 1)
        if ctx.needs_input_grad[2]:
            of_bias = gradient.sum((0, 2, 3))
        return of_x, of_weight, of_bias, None


def _few(pictures: int, values: int) -> Iterator[slice]:
    """Cut a batch so that what all taps give of a part, so many values a picture, stays small."""
    step = max(1, _VALUES // values)
    for start in range(0, pictures, step):
        yield slice(start, start + step)
