"""Transposed convolutions against a slow reference written from Keras' definition, and torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from lookalike.errors import SettingsError
from lookalike.models.blocks import SameConv2d
from lookalike.models.transposed import QuickConvTranspose2d, SameConvTranspose2d

LAYERS = [(3, 2, 0), (5, 3, 1), (6, 2, 1), (3, 1, 1), (3, 1, 0), (2, 1, 0), (9, 1, 4)]


def slow_same_transposed(x, weight, bias, stride):
    """Spread each value of (C, H, W) over the kernel (C, F, k, k); crop to H * stride."""
    channels, height, width = x.shape
    filters, kernel = weight.shape[1], weight.shape[2]
    whole = np.zeros((filters, (height - 1) * stride + kernel, (width - 1) * stride + kernel))
    for c in range(channels):
        for row in range(height):
            for column in range(width):
                r, q = row * stride, column * stride
                whole[:, r : r + kernel, q : q + kernel] += x[c, row, column] * weight[c]
    start = max(kernel - stride, 0) // 2
    rows, columns = height * stride, width * stride
    return whole[:, start : start + rows, start : start + columns] + bias[:, None, None]


def run(layer, x):
    with torch.no_grad():
        return layer(torch.from_numpy(x[None]).float())[0].numpy()


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("height", "width"), [(7, 7), (4, 6)])
def test_transposed_convolution_equals_the_slow_one(stride, height, width):
    torch.manual_seed(0)
    layer = SameConvTranspose2d(2, 3, 3, stride)
    x = np.random.default_rng(0).normal(size=(2, height, width))
    expected = slow_same_transposed(
        x, layer.weight.detach().numpy(), layer.bias.detach().numpy(), stride
    )
    got = run(layer, x)
    assert got.shape == (3, height * stride, width * stride)
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_transposed_convolution_is_the_gradient_of_the_convolution(stride):
    torch.manual_seed(0)
    down, up = SameConv2d(2, 3, 3, stride, bias=False), SameConvTranspose2d(3, 2, 3, stride)
    with torch.no_grad():
        up.weight.copy_(down.weight)
        up.bias.zero_()
    x = torch.randn(1, 2, 8, 8, requires_grad=True)
    y = down(x)
    above = torch.randn_like(y)
    y.backward(above)
    torch.testing.assert_close(up(above), x.grad)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("size", "stride"), [((5, 4), 2), ((7, 7), 1)])
def test_in_bfloat16_it_is_the_slow_one(size, stride, training):
    layer = SameConvTranspose2d(3, 2, 3, stride).train(training)
    x = np.random.default_rng(0).normal(size=(3, *size))
    weight, bias = (value.detach().double().numpy() for value in (layer.weight, layer.bias))
    wanted = slow_same_transposed(x, weight, bias, stride)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = layer(torch.from_numpy(x[None]).float())[0]
    assert found.dtype == torch.bfloat16
    assert found.shape == wanted.shape
    assert np.abs(found.float().numpy() - wanted).max() < 0.02 * np.abs(wanted).max()


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_it_is_the_layer_of_torch_with_its_gradients(layer):
    kernel, stride, padding = layer
    ours = QuickConvTranspose2d(3, 2, kernel, stride, padding)
    theirs = nn.ConvTranspose2d(3, 2, kernel, stride, padding)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(ours.eval()(x), theirs(x))
    ours.train()
    found = []
    for one in (ours, theirs):
        given = x.clone().requires_grad_()
        y = one(given)
        y.square().sum().backward()
        found.append((y, given.grad, one.weight.grad, one.bias.grad))
    for mine, other in zip(*found, strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("stride", [1, 2])
def test_the_crop_and_the_bias_have_the_right_gradients(stride):
    layer = SameConvTranspose2d(2, 3, 3, stride).double()
    x = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda given, *_: layer(given), (x, layer.weight, layer.bias))


def test_it_has_the_same_gradients_in_bfloat16():
    layer = SameConvTranspose2d(3, 2, 3, 2)
    x = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    towards = torch.randn(2, 2, 8, 10, generator=torch.Generator().manual_seed(1))
    found = []
    for halved in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=halved):
            value = (layer(x).float() * towards).sum()
        found.append(torch.autograd.grad(value, [layer.weight, layer.bias]))
    for full, half in zip(*found, strict=True):
        assert half.dtype == torch.float32
        assert (full - half).abs().max() < 0.03 * full.abs().max()


def test_without_a_gradient_of_its_input_it_computes_none():
    layer = SameConvTranspose2d(2, 3, 3, 2)
    x = torch.randn(1, 2, 3, 4)
    layer(x).sum().backward()
    assert x.grad is None
    assert layer.weight.grad is not None


@pytest.mark.parametrize("kind", [QuickConvTranspose2d, SameConvTranspose2d])
def test_its_size_cannot_be_chosen(kind):
    with pytest.raises(SettingsError, match=r"output_size \[8, 9\]"):
        kind(2, 3, 3, 2)(torch.zeros(1, 2, 4, 4), [8, 9])
