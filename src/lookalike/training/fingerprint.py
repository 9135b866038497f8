"""What a checkpoint belongs to: settings, pictures, network and seed, as plain values."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

if TYPE_CHECKING:
    from lookalike.images.spec import ImageSpec
    from lookalike.models.preset import TrainingSettings

__all__ = ["differences", "fingerprint"]

# Enough to tell collections apart; reading all of a large one would take longer than an epoch.
SAMPLED_PICTURES = 256


def fingerprint(
    model: nn.Module,
    pixels: NDArray[np.uint8],
    rows: NDArray[np.int64],
    val_rows: NDArray[np.int64],
    *,
    image: ImageSpec,
    settings: TrainingSettings,
    seed: int,
) -> dict[str, Any]:
    """Return everything that decides the weights after a number of epochs, ready for JSON.

    The number of epochs is part of it only where the learning rate depends on it. Of the
    pictures, 256 spread over the collection are compared byte by byte.
    """
    values = asdict(settings) | {"seed": seed, "image": image.as_dict()}
    if settings.decay == 0 and settings.schedule == "constant":
        del values["epochs"]
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    sample = pixels[np.linspace(0, len(pixels) - 1, SAMPLED_PICTURES).astype(np.int64)]
    values |= {
        # The layers too: ReLU and LeakyReLU have the same (no) weights.
        "network": _digest(json.dumps([shapes, repr(model)]).encode()),
        "pictures": f"{len(pixels)} {_digest(sample.tobytes())}",
        "training pictures": f"{len(rows)} {_digest(rows.astype('<i8').tobytes())}",
        "validation pictures": f"{len(val_rows)} {_digest(val_rows.astype('<i8').tobytes())}",
    }
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain


def differences(kept: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return what differs, each as "name KEPT (now NOW)"; empty when nothing does."""
    return [
        f"{name} {kept.get(name)} (now {now.get(name)})"
        for name in sorted(kept.keys() | now.keys())
        if kept.get(name) != now.get(name)
    ]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
