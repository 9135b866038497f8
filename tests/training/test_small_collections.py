"""Networks of the presets trained on few pictures, for few steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lookalike.errors import SettingsError
from lookalike.models import build_model, get_preset, resolve_image
from lookalike.training import to_input, train


def ramps(count: int) -> np.ndarray:
    """Smooth pictures, 28×28 grey, each brighter towards a side of its own."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[-1:1:28j, -1:1:28j]
    slopes = random.normal(size=(count, 2, 1, 1))
    waves = slopes[:, 0] * rows + slopes[:, 1] * columns + random.normal(size=(count, 1, 1))
    return (255 / (1 + np.exp(-3 * waves))).astype(np.uint8)[..., None]


@pytest.mark.parametrize(
    ("name", "count", "epochs"),
    [("conv128", 100, 30), ("conv128", 36, 50), ("digits-conv16", 100, 20)],
)
def test_few_steps_are_enough_for_evaluation_mode(name: str, count: int, epochs: int):
    preset, pixels, rows = get_preset(name), ramps(count), np.arange(count)
    image = resolve_image(preset, size=28, channels=1)
    model = build_model(preset, image, seed=0)
    settings = replace(preset.training, epochs=epochs)
    record = train(model, pixels, rows, rows, image=image, settings=settings, seed=0, device="cpu")
    x = to_input(pixels, image)
    with torch.no_grad():
        error = ((model(x) - x) ** 2).mean().item()
    assert error == pytest.approx(record.last.val_loss, rel=1e-4)
    assert error < 1.1 * record.last.train_loss
    assert error < 0.5 * ((x - x.mean(0)) ** 2).mean().item()


@pytest.mark.parametrize(("count", "batch_size"), [(1, 8), (5, 1)])
def test_one_tiny_picture_at_a_time_cannot_be_normalised(count: int, batch_size: int):
    preset, rows = get_preset("conv128"), np.arange(count)
    image = resolve_image(preset, size=4, channels=1)
    model = build_model(preset, image, seed=0)
    settings = replace(preset.training, epochs=1, batch_size=batch_size)
    pixels = ramps(count)[:, :4, :4]
    with pytest.raises(SettingsError, match="larger batch size") as caught:
        train(model, pixels, rows, image=image, settings=settings, seed=0, device="cpu")
    assert "\n" not in str(caught.value)
    two = replace(settings, batch_size=2)
    train(model, ramps(3)[:, :4, :4], np.arange(3), image=image, settings=two, seed=0, device="cpu")
