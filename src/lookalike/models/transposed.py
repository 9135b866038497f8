"""Transposed convolutions that a CPU computes quickly.

torch hands them to oneDNN, which has no quick way for those whose kernel is no multiple of the
stride, once a bias is to be added (`python -m benchmarks.transposed`). So their bias is added here.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from lookalike.errors import SettingsError
from lookalike.models.blocks import same_padding
from lookalike.models.taps import halved, transposed_by_taps

__all__ = ["QuickConvTranspose2d", "SameConvTranspose2d"]

# Filters times the kernel's pixels: 3 channels of 3×3.
_FEW_TAPS = 27


class QuickConvTranspose2d(nn.ConvTranspose2d):
    """PyTorch's layer of one stride and padding along both axes, without groups or dilation.

    Args:
        channels: of the input.
        filters: channels of the output.
        kernel: its side.
        stride: output pixels from one input pixel to the next.
        padding: rows and columns that are cut off on each side.
    """

    def __init__(
        self, channels: int, filters: int, kernel: int, stride: int = 1, padding: int = 0
    ) -> None:
        super().__init__(channels, filters, kernel, stride, padding)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return (B, filters, (H - 1) * stride + kernel - 2 * padding, ...) of (B, C, H, W).

        Raises:
            SettingsError: another size is asked for.
        """
        _refuse(output_size)
        return self._cut(x, int(self.padding[0]), None)

    def _cut(self, x: Tensor, padding: int, size: tuple[int, int] | None) -> Tensor:
        """Convolve with this padding; return the first rows and columns, without `size` all."""
        bias, stride = self.bias, self.stride[0]
        assert bias is not None
        here = x.device.type == "cpu" and not torch.compiler.is_compiling()
        quick = here and (self.training or not torch.is_grad_enabled())
        if quick and stride == 1 and self.weight[0].numel() <= _FEW_TAPS:
            return _first(transposed_by_taps(x, self.weight, bias, padding), size)
        if not here or self.kernel_size[0] % stride == 0:
            return _first(functional.conv_transpose2d(x, self.weight, bias, stride, padding), size)
        if self.training:
            return _trained(x, self.weight, bias, stride, padding, size)
        return _biased(x, self.weight, bias, stride, padding, size)


class SameConvTranspose2d(QuickConvTranspose2d):
    """Transposed convolution with Keras' "same" padding: n -> n * stride, exactly.

    It is the gradient of `SameConv2d` on an input of n * stride: what that layer padded at the
    bottom and on the right is cropped here.
    """

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return (B, filters, H * stride, W * stride) of (B, channels, H, W).

        Raises:
            SettingsError: another size is asked for.
        """
        _refuse(output_size)
        kernel, stride = self.kernel_size[0], self.stride[0]
        height, width = x.shape[2] * stride, x.shape[3] * stride
        before, _ = same_padding(height, kernel, stride)  # what is too much after it is cropped
        return self._cut(x, before, (height, width))


def _refuse(output_size: list[int] | None) -> None:
    if output_size is not None:
        raise SettingsError(f"the size follows from the input's, got output_size {output_size}")


class _Transposed(torch.autograd.Function):
    """A transposed convolution, its crop and its bias as one step of the backward pass.

    Under autocast it computes in the halved precision, as torch's own layer does.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch's
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        stride: int,
        padding: int,
        size: tuple[int, int] | None,
    ) -> Tensor:
        """Return (B, filters, *size)."""
        x, weight, bias = halved(x, weight, bias)
        with torch.autocast("cpu", enabled=False):
            kept = _biased(x, weight, bias, stride, padding, size)
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return kept

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        """Return the gradients of the input, the weights and the bias."""
        x, weight = ctx.saved_tensors
        of_bias = gradient.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
        rows, columns = (
            (given - 1) * ctx.stride + kernel - 2 * ctx.padding - kept
            for given, kernel, kept in zip(
                x.shape[2:], weight.shape[2:], gradient.shape[2:], strict=True
            )
        )
        if rows or columns:
            gradient = _uncropped(gradient, rows, columns)
        of_x, of_weight, _ = torch.ops.aten.convolution_backward(
            gradient, x, weight, None, [ctx.stride] * 2, [ctx.padding] * 2, [1, 1],
            True, [0, 0], 1, (*ctx.needs_input_grad[:2], False),
        )  # fmt: skip
        return of_x, of_weight, of_bias, None, None, None


def _uncropped(kept: Tensor, rows: int, columns: int) -> Tensor:
    """Add rows and columns of zeros; `pad` would write zeros everywhere first."""
    batch, channels, height, width = kept.shape
    whole = torch.empty(
        (batch, channels, height + rows, width + columns),
        dtype=kept.dtype, device=kept.device, memory_format=torch.channels_last,
    )  # fmt: skip
    whole[:, :, :height, :width] = kept
    whole[:, :, height:] = 0
    whole[:, :, :height, width:] = 0
    return whole


def _biased(
    x: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int, size: tuple[int, int] | None
) -> Tensor:
    whole = functional.conv_transpose2d(x, weight, None, stride, padding)
    return _first(whole, size) + bias.to(whole.dtype).view(-1, 1, 1)


def _trained(
    x: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int, size: tuple[int, int] | None
) -> Tensor:
    found: Tensor = _Transposed.apply(x, weight, bias, stride, padding, size)  # type: ignore[no-untyped-call]
    return found


def _first(whole: Tensor, size: tuple[int, int] | None) -> Tensor:
    return whole if size is None else whole[:, :, : size[0], : size[1]]
