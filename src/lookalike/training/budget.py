"""How many epochs fit into a time: measured on a copy of the network, before training."""

from __future__ import annotations

import copy
import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import nn

from lookalike.errors import SettingsError
from lookalike.images.spec import ImageSpec
from lookalike.models.preset import TrainingSettings
from lookalike.training.batches import PixelSource
from lookalike.training.device import resolve_device
from lookalike.training.run import Run
from lookalike.training.runtime import accelerated, local_randomness
from lookalike.training.task import make_task
from lookalike.types import silent

__all__ = ["fit_to_seconds", "schedule_for"]

WARM_UP = 2
MEASURED = 8
# A schedule wants a beginning, a middle and an end: shorter epochs where time is short.
FEWEST_EPOCHS = 3


def fit_to_seconds(
    seconds: float,
    model: nn.Module,
    pixels: NDArray[np.uint8],
    rows: NDArray[np.int64],
    *,
    image: ImageSpec,
    settings: TrainingSettings,
    device: str = "auto",
) -> TrainingSettings:
    """Return the settings with as many epochs as are likely to take so long.

    A few steps are taken on a copy of the model and timed; the model is left as it is. How many
    epochs come out depends on the machine: train with that many epochs to repeat the training.

    Args:
        seconds: for training, what comes before the first epoch included; above 0.
        model: what is to be trained.
        pixels: uint8 (N, H, W, C).
        rows: positions in `pixels` to train on.
        image: the network's input.
        settings: of the training; its number of epochs is not looked at.
        device: where it will be trained.

    Raises:
        SettingsError: there is nothing to train on, or no time.
    """
    if not len(rows) or not seconds > 0:
        raise SettingsError(f"got {len(rows)} pictures and {seconds} seconds: wanted some of both")
    with accelerated(resolve_device(device)) as accelerator:
        trial = copy.deepcopy(model).to(accelerator.device)
        source = PixelSource(pixels, rows, image, accelerator.device, resident=False)
        task = make_task(trial, settings, source)
        run = Run(task, settings, 0, accelerator, {}, None, silent)
        run.losses.train()
        batch = np.resize(rows, min(settings.batch_size, max(2, len(rows))))
        with local_randomness(accelerator.device, 0):
            for number in range(WARM_UP + MEASURED):
                if number == WARM_UP:
                    run.accelerator.wait_for_everyone()
                    started = time.perf_counter()
                float(run.take_step(batch))
            spent = time.perf_counter() - started
            preparation = task.estimate_preparation(rows)
    pace = len(batch) * MEASURED / spent
    return schedule_for(seconds - preparation, len(rows), pace, settings)


def schedule_for(
    seconds: float, pictures: int, pace: float, settings: TrainingSettings
) -> TrainingSettings:
    """Return the settings with the epochs that fit into so many seconds.

    Args:
        seconds: of training.
        pictures: in one epoch.
        pace: pictures trained on in a second.
        settings: all the rest.

    >>> from lookalike.models.preset import TrainingSettings
    >>> fitted = schedule_for(60, 1_000, 500, TrainingSettings("mse", 1, 32))
    >>> fitted.epochs, fitted.epoch_pictures
    (30, None)
    >>> fitted = schedule_for(60, 100_000, 500, TrainingSettings("mse", 1, 32))
    >>> fitted.epochs, fitted.epoch_pictures
    (3, 10000)
    """
    trained = max(seconds * pace, FEWEST_EPOCHS * min(pictures, settings.batch_size))
    epochs = int(trained / pictures)
    if epochs >= FEWEST_EPOCHS:
        return replace(settings, epochs=epochs, epoch_pictures=None)
    return replace(
        settings, epochs=FEWEST_EPOCHS, epoch_pictures=max(1, int(trained / FEWEST_EPOCHS))
    )
