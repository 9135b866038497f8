"""Train as one of several processes; `accelerate launch` would set the same variables.

Not a test: `tests/training/test_processes.py` runs it. Arguments: a file of pictures, and the
folder where weights and checkpoints go.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tiny_training import run
from torch import nn


def plain() -> nn.Module:
    """Every picture by itself: sharing a batch changes nothing."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 1), nn.Sigmoid()
        )


def normalised() -> nn.Module:
    """Batch normalisation sees only a process's share."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1), nn.Sigmoid()
        )


MODELS = {"plain": plain, "normalised": normalised}


def trained(pixels: np.ndarray, name: str, epochs: int, **changes: object):
    """Return the weights and losses: 41 pictures to train on, one to validate."""
    rows, val_rows = np.arange(41), np.arange(41, 42)
    model, record = run(
        pixels, MODELS[name](), rows=rows, val_rows=val_rows, epochs=epochs, **changes
    )
    losses = [record.last.train_loss, record.last.val_loss]
    return {**model.state_dict(), "losses": torch.tensor(losses, dtype=torch.float64)}


def main() -> None:
    pixels, place, rank = np.load(sys.argv[1]), Path(sys.argv[2]), os.environ["RANK"]
    for name in MODELS:
        again = partial(trained, pixels, name, checkpoint=place / f"{name}-checkpoint")
        save_file(trained(pixels, name, 2), place / f"{name}-whole-{rank}.safetensors")
        again(epochs=1)
        save_file(again(epochs=2, resume=True), place / f"{name}-resumed-{rank}.safetensors")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
