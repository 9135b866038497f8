"""A network small enough to train in a blink, and pictures for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from lookalike.images import ImageSpec
from lookalike.models import TrainingSettings
from lookalike.training import train

IMAGE = ImageSpec(8, 8, 1)
SETTINGS = TrainingSettings(loss="mse", epochs=3, batch_size=8)


class Tiny(nn.Module):
    """Convolution, batch norm, dropout: everything that has a state of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.1)
        )
        self.decoder = nn.Sequential(nn.ConvTranspose2d(4, 1, 4, 2, 1), nn.Sigmoid())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.encoder(x))


def tiny(seed: int = 0) -> Tiny:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Tiny()


def run(pixels: np.ndarray, model: nn.Module | None = None, **changes):
    """Train a `Tiny`; return it and its record. Settings and arguments may be changed."""
    model = tiny() if model is None else model
    fields = {name: changes.pop(name) for name in list(changes) if hasattr(SETTINGS, name)}
    arguments = {
        "image": IMAGE, "settings": replace(SETTINGS, **fields), "seed": 0, "device": "cpu",
        "val_rows": None, "rows": np.arange(len(pixels)), **changes,
    }  # fmt: skip
    record = train(model, pixels, arguments.pop("rows"), arguments.pop("val_rows"), **arguments)
    return model, record


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(first: nn.Module, second: nn.Module) -> bool:
    one, two = first.state_dict(), second.state_dict()
    return all(torch.equal(one[name], two[name]) for name in one)
