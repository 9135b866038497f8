"""Layers that behave like Keras' layers of the same name, and Keras' initialisation.

Keras pads "same" so that the output has ceil(size / stride) rows; an odd number of padding rows
puts the extra one at the bottom and on the right. PyTorch's `padding=1` with stride 2 puts it at
the top and on the left: other pixels are seen, other weights are learnt.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.errors import SettingsError

__all__ = [
    "FullSigmoid",
    "LinearOfMap",
    "LinearToMap",
    "QuickBatchNorm2d",
    "SameConv2d",
    "glorot_init",
    "he_init",
    "keras_batch_norm",
    "same_padding",
]

# Keras draws He and Glorot normals from a normal cut at two standard deviations and divides by
# the standard deviation that is left.
_TRUNCATED_STD = 0.87962566103423978
# Running statistics follow about the last tenth of the steps taken: older ones are of weights
# that are no more.
_RECENT_SHARE = 10


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the padding (before, after) of one axis under "same" padding.

    Example:
        >>> same_padding(28, kernel=3, stride=2), same_padding(7, kernel=3, stride=2)
        ((0, 1), (1, 1))
    """
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):
    """Convolution with Keras' and TensorFlow's "same" padding: n -> ceil(n / stride)."""

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel: int,
        stride: int = 1,
        *,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(channels, filters, kernel, stride, groups=groups, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, filters, ceil(H / stride), ceil(W / stride)) of (B, channels, H, W)."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        top, bottom = same_padding(x.shape[2], kernel, stride)
        left, right = same_padding(x.shape[3], kernel, stride)
        if top == bottom and left == right:  # the convolution pads by itself, without a copy
            return functional.conv2d(
                x, self.weight, self.bias, self.stride, (top, left), groups=self.groups
            )
        x = functional.pad(x, (left, right, top, bottom))
        return functional.conv2d(x, self.weight, self.bias, self.stride, groups=self.groups)


class LinearOfMap(nn.Linear):
    """A linear layer of a flattened map: of (B, C, H, W) flattened channel by channel.

    In training a map that lies in memory channels last is not turned over for it, which both
    passes would pay for with each map: the kernel is, which is small.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return (B, out) of maps (B, C, H, W)."""
        if not self.training or not _lies_channels_last(input):
            return functional.linear(input.flatten(1), self.weight, self.bias)
        kernel = self.weight.view(-1, *input.shape[1:]).permute(0, 2, 3, 1).flatten(1)
        return functional.linear(input.permute(0, 2, 3, 1).flatten(1), kernel, self.bias)


class LinearToMap(nn.Linear):
    """A linear layer whose output is cut into a map: channels, then rows.

    In training the map lies in memory channels last, as the convolutions after it want it.

    Args:
        inputs: numbers that go in.
        shape: (C, H, W) of the map.
    """

    def __init__(self, inputs: int, shape: tuple[int, int, int]) -> None:
        super().__init__(inputs, shape[0] * shape[1] * shape[2])
        self.shape = shape

    def forward(self, input: Tensor) -> Tensor:
        """Return maps (B, C, H, W) of (B, inputs)."""
        channels, height, width = self.shape
        if not self.training:
            flat = functional.linear(input, self.weight, self.bias)
            return torch.unflatten(flat, 1, self.shape)
        kernel = self.weight.view(*self.shape, -1).permute(1, 2, 0, 3).flatten(0, 2)
        bias = self.bias.view(self.shape).permute(1, 2, 0).flatten()
        found = functional.linear(input, kernel, bias)
        return found.view(-1, height, width, channels).permute(0, 3, 1, 2)


def _lies_channels_last(x: Tensor) -> bool:
    return x.is_contiguous(memory_format=torch.channels_last)


class FullSigmoid(nn.Sigmoid):
    """A sigmoid in full precision also under autocast: bfloat16 has no number between .996 and 1.

    Where it gave 1, the picture's white would have no gradient any more.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return float32 of the input's shape, from 0 to 1."""
        return input.float().sigmoid()


class QuickBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation whose running statistics are right after few steps too.

    With a fixed momentum of 0.01, 37 % of the initial 0 and 1 are still in them after 100 steps,
    and a network trained on few pictures is far worse in evaluation mode than it was in training.
    Here step n has the momentum max(momentum, 10 / (n + 9)): the first step replaces the initial
    values, the steps after it follow the weights, which change fast at first, and after about a
    thousand steps this is the usual average.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return (B, C, H, W), normalised by the batch in training, else by the statistics.

        Raises:
            SettingsError: in training, on one value a channel, of which there is no variance.
        """
        running_mean, running_var = self.running_mean, self.running_var
        steps = self.num_batches_tracked
        if not self.training or self.momentum is None or steps is None:
            return super().forward(input)
        if running_mean is None or running_var is None:
            return super().forward(input)
        self._check_input_dim(input)
        if input.numel() == input.shape[1]:
            raise SettingsError(
                "batch normalisation cannot train on one picture at a time that is so small that "
                "one value a channel is left of it: take more pictures, a larger batch size or "
                "a larger size"
            )
        steps.add_(1)
        if input.device.type == "cpu":
            momentum = max(self.momentum, _RECENT_SHARE / (int(steps) + _RECENT_SHARE - 1))
            return functional.batch_norm(
                input, running_mean, running_var, self.weight, self.bias,
                training=True, momentum=momentum, eps=self.eps,
            )  # fmt: skip
        # Elsewhere a tensor, not a number: reading the count would make a GPU wait at every layer.
        share = (_RECENT_SHARE / (steps + _RECENT_SHARE - 1)).clamp(min=self.momentum)
        mean, var = torch.zeros_like(running_mean), torch.zeros_like(running_var)
        normalised = functional.batch_norm(
            input, mean, var, self.weight, self.bias, training=True, momentum=1.0, eps=self.eps
        )
        running_mean.lerp_(mean, share)
        running_var.lerp_(var, share)
        return normalised


def keras_batch_norm(channels: int) -> nn.BatchNorm2d:
    """Return batch normalisation with Keras' epsilon 1e-3 and momentum 0.99 (PyTorch's 0.01).

    The momentum is Keras' once training has gone on for a while: see `QuickBatchNorm2d`.
    """
    return QuickBatchNorm2d(channels, eps=1e-3, momentum=0.01)


def glorot_init(module: nn.Module) -> None:
    """Fill a layer as Keras does unless told otherwise: Glorot uniform kernel, bias 0."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def he_init(module: nn.Module) -> None:
    """Fill a convolution as Keras' `he_normal` does: truncated normal kernel, bias 0."""
    if isinstance(module, nn.Conv2d):
        fan_in = module.weight[0].numel()
        std = (2 / fan_in) ** 0.5 / _TRUNCATED_STD
        nn.init.trunc_normal_(module.weight, std=std, a=-2 * std, b=2 * std)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
