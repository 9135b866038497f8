"""A transposed convolution of stride 1 to few filters, as a product of matrices.

oneDNN computes 16 filters at a time, also where a picture has one or three channels. Here each
pixel is multiplied by all taps of the kernel at once, and what each tap gave is added where it
belongs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

__all__ = ["halved", "transposed_by_taps"]


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
        rows = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])  # (B * H * W, C)
        taps = weight.permute(2, 3, 1, 0).reshape(-1, x.shape[1])  # (k * k * F, C)
        with torch.autocast("cpu", enabled=False):
            given = torch.mm(taps, rows.T).to(bias.dtype)  # sums are not halved
        ctx.save_for_backward(rows, taps)
        ctx.shapes, ctx.padding = (x.shape, weight.shape), padding
        (batch, _, height, width), (_, filters, kernel, _) = ctx.shapes
        given = given.view(kernel, kernel, filters, batch, height, width)
        whole = bias.view(-1, 1, 1, 1).repeat(1, batch, height + kernel - 1, width + kernel - 1)
        for row in range(kernel):
            for column in range(kernel):
                whole[:, :, row : row + height, column : column + width] += given[row, column]
        kept = functional.pad(whole, (-padding,) * 4).transpose(0, 1)
        return kept.to(x.dtype).contiguous(memory_format=torch.channels_last)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        rows, taps = ctx.saved_tensors
        (batch, channels, height, width), (_, filters, kernel, _) = ctx.shapes
        whole = functional.pad(gradient.transpose(0, 1), (ctx.padding,) * 4)
        given = whole.unfold(2, height, 1).unfold(3, width, 1)  # (F, B, k, k, H, W)
        given = given.permute(2, 3, 0, 1, 4, 5).reshape(len(taps), -1)
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_rows = torch.mm(given.T, taps).view(batch, height, width, channels)
            of_x = of_rows.permute(0, 3, 1, 2)
        if ctx.needs_input_grad[1]:
            of_taps = torch.mm(given, rows).view(kernel, kernel, filters, channels)
            of_weight = of_taps.permute(3, 2, 0, 1)
        if ctx.needs_input_grad[2]:
            of_bias = gradient.sum((0, 2, 3))
        return of_x, of_weight, of_bias, None
