from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from lookalike.errors import SettingsError
from lookalike.models import build_model, get_preset
from lookalike.training import fit_to_seconds, train

PRESET = get_preset("twin")
IMAGE = replace(PRESET.image, height=16, width=16, channels=1)
PIXELS = np.random.default_rng(0).integers(0, 256, (300, 16, 16, 1), dtype=np.uint8)
ROWS = np.arange(300)


def test_measuring_leaves_the_model_and_the_random_state_alone():
    model = build_model(PRESET, IMAGE)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(5)
    state = torch.get_rng_state()
    fitted = fit_to_seconds(
        2, model, PIXELS, ROWS, image=IMAGE, settings=PRESET.training, device="cpu"
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert fitted.epochs >= 3
    assert replace(fitted, epochs=1, epoch_pictures=None) == replace(PRESET.training, epochs=1)


def test_more_time_is_more_epochs_and_no_time_is_refused():
    model = build_model(PRESET, IMAGE)

    def epochs(seconds: float) -> int:
        return fit_to_seconds(
            seconds, model, PIXELS, ROWS, image=IMAGE, settings=PRESET.training, device="cpu"
        ).epochs

    assert epochs(600) > 10 * epochs(1)
    with pytest.raises(SettingsError, match="wanted some of both"):
        epochs(0)


def test_an_epoch_of_some_pictures_takes_others_each_time():
    settings = replace(PRESET.training, epochs=2, batch_size=32, epoch_pictures=64)
    started = time.perf_counter()
    record = train(build_model(PRESET, IMAGE), PIXELS, ROWS, image=IMAGE, settings=settings, seed=0)
    spent = time.perf_counter() - started
    assert len(record) == 2
    assert record.seconds <= spent
    assert record.last.learning_rate < PRESET.training.learning_rate
