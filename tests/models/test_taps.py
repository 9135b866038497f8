"""Products of matrices give what torch's transposed convolution gives, with its gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from lookalike.models import taps
from lookalike.models.taps import transposed_by_taps
from lookalike.models.transposed import SameConvTranspose2d


def random(*shape: int, seed: int = 0, **options: object) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), **options)


def results(way, x, weight, bias, towards):
    given = [value.clone().requires_grad_() for value in (x, weight, bias)]
    y = way(*given)
    return [y, *torch.autograd.grad((y * towards).sum(), given)]


@pytest.mark.parametrize("values", [1, 4_000_000], ids=["one picture at a time", "all at once"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("kernel", "padding"), [(3, 1), (3, 0), (2, 0), (5, 2)])
def test_it_is_torchs(kernel, padding, layout, values, monkeypatch):
    monkeypatch.setattr(taps, "_VALUES", values)
    x = random(3, 4, 6, 5).to(memory_format=layout)
    weight, bias = random(4, 2, kernel, kernel, seed=1), random(2, seed=2)
    wanted = functional.conv_transpose2d(x, weight, bias, 1, padding)
    towards = random(*wanted.shape, seed=3)
    ours = results(lambda *given: transposed_by_taps(*given, padding), x, weight, bias, towards)
    theirs = results(
        lambda *given: functional.conv_transpose2d(*given, 1, padding), x, weight, bias, towards
    )
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-4, rtol=1e-4)


def test_its_gradients_are_right():
    double = {"dtype": torch.float64, "requires_grad": True}
    given = random(2, 3, 4, 3, **double), random(3, 2, 3, 3, seed=1, **double)
    bias = random(2, seed=2, **double)
    assert torch.autograd.gradcheck(lambda *values: transposed_by_taps(*values, 1), (*given, bias))


def test_what_is_frozen_gets_no_gradient():
    x, weight, bias = random(2, 3, 4, 4), random(3, 1, 3, 3), torch.zeros(1)
    weight.requires_grad_()
    transposed_by_taps(x, weight, bias, 1).sum().backward()
    assert weight.grad is not None
    assert x.grad is None
    assert bias.grad is None


def test_in_bfloat16_its_gradients_are_nearly_the_same():
    layer = SameConvTranspose2d(8, 1, 3)
    x, towards = random(2, 8, 6, 5), random(2, 1, 6, 5, seed=1)
    found = []
    for halved in (False, True):
        given = x.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=halved):
            y = layer(given)
            assert y.dtype == (torch.bfloat16 if halved else torch.float32)
            value = (y.float() * towards).sum()
        found.append(torch.autograd.grad(value, [given, layer.weight, layer.bias]))
    for full, half in zip(*found, strict=True):
        assert half.dtype == torch.float32
        assert (full - half).abs().max() < 0.03 * full.abs().max()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("filters", [1, 4])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (4, 2), (3, 1), (2, 2)])
def test_an_activation_may_follow_in_place(kernel, stride, filters, training):
    layer = SameConvTranspose2d(3, filters, kernel, stride)
    both = nn.Sequential(layer, nn.LeakyReLU(0.2, inplace=True)).train(training)
    x = random(2, 3, 5, 4)
    y = both(x)
    torch.testing.assert_close(y, functional.leaky_relu(layer(x), 0.2))
    y.sum().backward()
    assert layer.weight.grad is not None


def test_in_evaluation_a_second_derivative_can_be_had():
    layer = SameConvTranspose2d(2, 1, 3).eval()
    x = random(1, 2, 4, 4, requires_grad=True)
    (first,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
    first.sum().backward()
    assert x.grad is not None
