"""The Keras-like layers against slow references written from Keras' definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from lookalike.models.blocks import (
    FullSigmoid,
    LinearOfMap,
    LinearToMap,
    SameConv2d,
    glorot_init,
    he_init,
    keras_batch_norm,
)


def slow_same_convolution(x, weight, bias, stride):
    """Convolve (C, H, W) with (F, C, k, k) as Keras does: pad the rest at bottom and right."""
    filters, _, kernel, _ = weight.shape
    _, height, width = x.shape
    rows, columns = math.ceil(height / stride), math.ceil(width / stride)
    above = max((rows - 1) * stride + kernel - height, 0) // 2
    before = max((columns - 1) * stride + kernel - width, 0) // 2
    y = np.zeros((filters, rows, columns))
    for f in range(filters):
        for row in range(rows):
            for column in range(columns):
                total = bias[f]
                for i in range(kernel):
                    for j in range(kernel):
                        r, c = row * stride + i - above, column * stride + j - before
                        if 0 <= r < height and 0 <= c < width:
                            total += x[:, r, c] @ weight[f, :, i, j]
                y[f, row, column] = total
    return y


def run(layer, x):
    with torch.no_grad():
        return layer(torch.from_numpy(x[None]).float())[0].numpy()


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize(("height", "width"), [(8, 6), (7, 5), (6, 9)])
def test_convolution_equals_the_slow_one(stride, kernel, height, width):
    torch.manual_seed(0)
    layer = SameConv2d(2, 3, kernel, stride)
    x = np.random.default_rng(0).normal(size=(2, height, width))
    expected = slow_same_convolution(
        x, layer.weight.detach().numpy(), layer.bias.detach().numpy(), stride
    )
    np.testing.assert_allclose(run(layer, x), expected, atol=1e-5)


def test_pytorch_padding_is_not_keras_padding():
    # The reason for SameConv2d: with stride 2 the two see different pixels.
    torch.manual_seed(0)
    layer = SameConv2d(1, 1, 3, 2)
    x = torch.randn(1, 1, 8, 8)
    other = nn.functional.conv2d(x, layer.weight, layer.bias, stride=2, padding=1)
    assert not torch.allclose(layer(x), other, atol=1e-3)


def test_batch_norm_has_the_constants_of_keras():
    layer = keras_batch_norm(4)
    assert (layer.eps, layer.momentum) == (1e-3, 0.01)


def test_batch_norm_averages_quickly_first_and_as_keras_later():
    random = torch.Generator().manual_seed(0)
    layer, plain = keras_batch_norm(2), nn.BatchNorm2d(2, eps=1e-3)
    for step in range(1, 31):
        layer.num_batches_tracked.fill_(step - 1 if step < 20 else step + 5000)
        plain.momentum = max(0.01, 10 / (step + 9)) if step < 20 else 0.01
        x = torch.randn(4, 2, 3, 3, generator=random) * step
        torch.testing.assert_close(layer(x), plain(x))
        torch.testing.assert_close(layer.running_mean, plain.running_mean)
        torch.testing.assert_close(layer.running_var, plain.running_var)
    assert layer.num_batches_tracked == 30 + 5001
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    torch.testing.assert_close(layer.eval()(x), plain.eval()(x))
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


def test_glorot_is_uniform_within_its_bound():
    layer = nn.Conv2d(16, 32, 3)
    glorot_init(layer)
    bound = math.sqrt(6 / ((16 + 32) * 9))
    weight = layer.weight.detach()
    assert weight.abs().max() <= bound
    assert weight.std() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    assert torch.count_nonzero(layer.bias) == 0


def test_he_is_a_cut_normal_of_the_right_width():
    layer = nn.Conv2d(64, 64, 3)
    he_init(layer)
    std = math.sqrt(2 / (64 * 9))
    weight = layer.weight.detach()
    assert weight.std() == pytest.approx(std, rel=0.02)
    assert weight.abs().max() <= 2 * std / 0.8796 + 1e-6
    assert torch.count_nonzero(layer.bias) == 0


def test_linear_layers_of_maps_are_those_of_flat_ones():
    x = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    down, up = LinearOfMap(60, 7), LinearToMap(7, (3, 4, 5))
    flat = nn.functional.linear(x.flatten(1), down.weight, down.bias)
    torch.testing.assert_close(down(x), flat)
    torch.testing.assert_close(down(x.contiguous(memory_format=torch.channels_last)), flat)
    rebuilt = nn.functional.linear(flat, up.weight, up.bias).view(2, 3, 4, 5)
    torch.testing.assert_close(up(flat), rebuilt)


def test_a_sigmoid_near_one_keeps_its_gradient_in_bfloat16():
    x = torch.full((1,), 8.0, dtype=torch.bfloat16, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        FullSigmoid()(x).sum().backward()
    assert x.grad is not None
    assert x.grad.item() > 0
