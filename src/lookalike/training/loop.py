"""Training a network on pictures: what is checked before, and what is arranged."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lookalike.errors import SettingsError
from lookalike.images.spec import ImageSpec
from lookalike.models.preset import TrainingSettings
from lookalike.training.allocation import freed_memory_kept
from lookalike.training.batches import PixelSource
from lookalike.training.device import resolve_device
from lookalike.training.fingerprint import fingerprint
from lookalike.training.record import TrainingRecord
from lookalike.training.run import Run
from lookalike.training.runtime import accelerated
from lookalike.training.task import make_task
from lookalike.types import OnProgress, silent

__all__ = ["train"]


def train(
    model: nn.Module,
    pixels: NDArray[np.uint8],
    rows: NDArray[np.int64],
    val_rows: NDArray[np.int64] | None = None,
    *,
    image: ImageSpec,
    settings: TrainingSettings,
    seed: int,
    device: str = "auto",
    checkpoint: Path | None = None,
    resume: bool = False,
    on_progress: OnProgress = silent,
) -> TrainingRecord:
    """Train `model`, in place, to give back its own input, or as twin: see `TrainingSettings`.

    The same seed on the same machine gives the same weights; torch's own random state and
    Accelerate's state are left as they were. Started by `accelerate launch`, each process
    computes its share of every batch, and batch normalisation sees only that share.

    Args:
        model: maps inputs (B, C, H, W) to reconstructions of the same shape.
        pixels: uint8 (N, H, W, C); may be a memory-mapped file.
        rows: positions in `pixels` to train on.
        val_rows: positions to compute the validation loss on; None or empty for none.
        image: size and normalisation of the network's input.
        settings: loss, optimiser, number of epochs, early stopping. Its `validation_fraction` is
            not applied here: `split_rows` does that.
        seed: 0 or more; decides the order of the pictures and dropout, not the initial weights.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        checkpoint: directory that holds the state after the last epoch; None keeps nothing.
        resume: go on from `checkpoint`, if there is one there.
        on_progress: called a few times a second; `done` and `total` count training pictures over
            all epochs.

    Returns:
        The epochs, those before a resumption included. The model is left on the device, in
        evaluation mode.

    Raises:
        SettingsError: the settings contradict each other or the data, or there is no such device.
        DivergedError: the loss or a weight is no longer a number.
        TrainingStopped: the user pressed Ctrl-C; the last whole epoch is in `checkpoint`.
        TrainingError: the checkpoint is damaged or belongs to other settings or pictures.
        StorageError: the checkpoint cannot be written.
    """
    val_rows = np.empty(0, dtype=np.int64) if val_rows is None else val_rows
    _check(model, rows, val_rows, image, settings, seed)
    with (
        accelerated(resolve_device(device)) as accelerator,
        freed_memory_kept(accelerator.device),
        _arranged(model, accelerator.device),
    ):
        _check_processes(len(rows), settings.batch_size, accelerator.num_processes)
        identity = fingerprint(
            model, pixels, rows, val_rows, image=image, settings=settings, seed=seed
        )
        source = PixelSource(pixels, np.concatenate([rows, val_rows]), image, accelerator.device)
        task = make_task(model, settings, source)
        run = Run(task, settings, seed, accelerator, identity, checkpoint, on_progress)
        if resume and checkpoint is not None:
            run.restore(checkpoint)
        task.prepare(rows, fresh=not run.epochs, seed=seed, on_progress=run.on_progress)
        return run.train(rows, val_rows)


@contextlib.contextmanager
def _arranged(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Train channels last, which convolutions run faster in; give the model back as it came."""
    model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    try:
        yield
    finally:
        model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        model.eval()


def _check(
    model: nn.Module,
    rows: NDArray[np.int64],
    val_rows: NDArray[np.int64],
    image: ImageSpec,
    settings: TrainingSettings,
    seed: int,
) -> None:
    if seed < 0:
        raise SettingsError(f"a seed must be 0 or more, got {seed}")
    if not len(rows):
        raise SettingsError("there is no picture to train on: got 0 rows, wanted 1 or more")
    if not any(weight.requires_grad for weight in model.parameters()):
        raise SettingsError("the network has nothing to train: leave the training out")
    if settings.monitor == "val_loss" and settings.patience is not None and not len(val_rows):
        raise SettingsError(
            "early stopping watches the validation loss, but there are no validation pictures: "
            "add a `val` folder"
        )
    if settings.loss == "bce" and (any(image.mean) or any(value != 1 for value in image.std)):
        raise SettingsError(
            f"binary cross-entropy wants inputs in [0, 1], got mean {image.mean}, std {image.std}"
        )


def _check_processes(pictures: int, batch_size: int, processes: int) -> None:
    if processes > 1 and min(pictures, batch_size) < 2 * processes:
        raise SettingsError(
            f"{processes} processes share batches of {min(pictures, batch_size)} pictures: wanted "
            f"at least {2 * processes}, so start fewer processes or take larger batches"
        )
