"""Networks and pictures that a benchmark of inference runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lookalike.images import ImageSpec
    from lookalike.models import Preset
    from lookalike.models.autoencoder import Network

__all__ = ["made_up_gallery", "made_up_network"]


def made_up_network(preset: Preset, image: ImageSpec, seed: int) -> Network:
    """Return the preset's network; with made-up weights where its own are not installed."""
    import torch
    from torch import nn

    from lookalike.errors import LookalikeError
    from lookalike.models import build_model

    try:
        return build_model(preset, image, seed=seed).eval()
    except LookalikeError:
        model = preset.build(image, None)
    generator = torch.Generator().manual_seed(seed)
    for layer in model.modules():  # so that values neither vanish nor grow, as in a trained one
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, generator=generator)
    return model.eval()


def made_up_gallery(
    shape: tuple[int, int, int], count: int, queries: int, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a gallery of smooth pictures (N, H, W, C) and queries, some of them with noise."""
    import numpy as np

    channels, height, width = shape
    random = np.random.default_rng(seed)
    down, across = np.mgrid[0:height, 0:width].astype(np.float32) / max(height, width)
    gallery = np.empty((count, height, width, channels), np.uint8)
    for row in gallery:
        waves = random.uniform(-12, 12, (3, channels, 1, 1)).astype(np.float32)
        smooth = np.sin(waves[0] * down + waves[1] * across + waves[2])
        row[:] = ((smooth + 1) * 127.5).transpose(1, 2, 0)
    chosen = gallery[:: max(1, count // queries)][:queries].astype(np.int16)
    noise = random.integers(-20, 21, chosen.shape, dtype=np.int16)
    return gallery, (chosen + noise).clip(0, 255).astype(np.uint8)
