from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from lookalike.models.descriptors import Colours, Gradients, Orientations, Pixels, Textures

SIZES = [(8, 8), (13, 18), (28, 28), (64, 64), (128, 96), (256, 256)]


def descriptors(height: int, width: int) -> list[nn.Module]:
    return [Gradients(height, width), Textures(height, width), Colours(), Pixels()]


def test_orientations_are_the_gradient_split_by_its_direction():
    x = torch.rand(2, 3, 9, 7, generator=torch.Generator().manual_seed(0))
    found = Orientations()(x).numpy()
    grey = np.pad(x.mean(dim=1).numpy(), ((0, 0), (1, 1), (1, 1)), "edge").astype(np.float64)
    across, down = grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2], grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]
    length, angle = np.hypot(across, down), np.arctan2(down, across)
    for k in range(16):
        wanted = length * np.maximum(0, np.cos(angle - 2 * math.pi * k / 16)) ** 16
        np.testing.assert_allclose(found[:, k], wanted, atol=2e-3)


def test_a_step_upwards_to_the_right_is_in_the_first_direction():
    x = torch.zeros(1, 1, 8, 8)
    x[..., 4:] = 1
    assert Orientations()(x).sum(dim=(0, 2, 3)).argmax() == 0
    assert Orientations()(x.flip(3)).sum(dim=(0, 2, 3)).argmax() == 8


def test_colours_are_shares_of_softly_binned_values():
    x = torch.rand(2, 3, 5, 4, generator=torch.Generator().manual_seed(1))
    wanted = np.zeros((2, 8, 8, 8))
    for picture, pixels in enumerate(x.permute(0, 2, 3, 1).reshape(2, 20, 3).double().numpy()):
        for pixel in pixels:
            bins = []
            for value in pixel:
                place = min(max(value * 8 - 0.5, 0), 7)
                row = np.zeros(8)
                row[int(place)] = 1 - (place - int(place))
                if place > int(place):
                    row[int(place) + 1] = place - int(place)
                bins.append(row)
            wanted[picture] += np.einsum("i,j,k->ijk", *bins) / 20
    found = Colours()(x).numpy()
    np.testing.assert_allclose(found, np.sqrt(wanted.reshape(2, -1)), atol=1e-4)
    np.testing.assert_allclose((found**2).sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_any_size_constant_pictures_and_batches(size: tuple[int, int], channels: int):
    x = torch.rand(5, channels, *size, generator=torch.Generator().manual_seed(2))
    x[0], x[1] = 0, 1
    for module in descriptors(*size):
        whole = module(x)
        assert whole.shape[0] == 5
        assert torch.isfinite(whole).all()
        single = torch.cat([module(x[row : row + 1]) for row in range(5)])
        torch.testing.assert_close(whole, single, atol=1e-4, rtol=1e-4)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.isfinite(module(x)).all()
