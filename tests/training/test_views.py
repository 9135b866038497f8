from __future__ import annotations

import numpy as np
import pytest
import torch

from lookalike.models.descriptors import Gradients
from lookalike.models.preset import TrainingSettings, TwinSettings
from lookalike.training.neighbours import is_mirrored
from lookalike.training.views import augment
from lookalike.whitening import fit_whitening

STILL = TwinSettings(crop=1.0, rotation=0.0, colour=0.0)


def pictures(count: int, channels: int = 3) -> torch.Tensor:
    coarse = torch.rand(count, channels, 4, 5, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(coarse, (24, 30), mode="bilinear")


@pytest.mark.parametrize("channels", [1, 3])
def test_views_keep_shape_and_range_and_follow_the_seed(channels: int):
    x = pictures(16, channels)
    torch.manual_seed(3)
    first = augment(x, TwinSettings(), flip=True)
    torch.manual_seed(3)
    assert torch.equal(first, augment(x, TwinSettings(), flip=True))
    assert not torch.equal(first, augment(x, TwinSettings(), flip=True))
    assert first.shape == x.shape
    assert first.min() >= 0
    assert first.max() <= 1


def test_without_strength_a_view_is_the_picture_moved_a_little():
    torch.manual_seed(0)
    x = pictures(8)
    assert (augment(x, STILL, flip=False) - x).abs().mean() < 0.02


def test_half_of_the_views_are_mirrored():
    torch.manual_seed(0)
    x = pictures(1).expand(400, -1, -1, -1)
    views = augment(x, STILL, flip=True)
    upright = (views - x).abs().mean(dim=(1, 2, 3))
    mirrored = (views - x.flip(3)).abs().mean(dim=(1, 2, 3))
    assert 150 < (mirrored < upright).sum() < 250


def test_digits_may_not_be_mirrored_symmetric_pictures_may():
    from sklearn.datasets import load_digits

    digits = torch.from_numpy(load_digits().images[:1000] / 16).float()[:, None]
    digits = torch.nn.functional.interpolate(digits, (28, 28), mode="bilinear")
    both = torch.cat([digits[:500], digits[:500].flip(3)])
    for x, wanted in ((digits, False), (both, True)):
        describe = Gradients(28, 28)
        whitening = fit_whitening(describe(x).numpy(), dimensions=128)
        upright, mirrored = (whitening.apply(describe(y).numpy()) for y in (x, x.flip(3)))
        assert is_mirrored(upright, mirrored) is wanted
    assert is_mirrored(np.ones((1, 2), np.float32), np.ones((1, 2), np.float32))


def test_the_cosine_schedule_rises_then_falls_to_a_hundredth():
    settings = TrainingSettings("mse", 1, 8, learning_rate=1.0, schedule="cosine", warmup=10)
    rates = [settings.rate(step, 1000) for step in range(1001)]
    assert rates[0] == pytest.approx(0.1, abs=1e-3)
    assert rates.index(max(rates)) == 9
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[-1] == pytest.approx(0.01)
