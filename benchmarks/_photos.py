"""Made-up photos for the benchmarks: as hard to decode as real ones, the same for a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from lookalike.images import load_dataset

_NOISES = 16


def write_photos(folder: Path, count: int, side: int = 512, seed: int = 0) -> float:
    """Write JPEGs of quality 90 into `folder`: a garment over a gradient, and a camera's noise.

    Returns:
        Their mean size in bytes.
    """
    generator = np.random.default_rng(seed)
    clothes = load_dataset("fashion-mnist-10k", folder)
    noises = generator.normal(0, 7, (_NOISES, side, side, 3)).astype(np.float32)
    ramp = np.linspace(0, 1, side, dtype=np.float32)[:, None]
    total = 0
    for number in range(count):
        garment = Image.fromarray(np.asarray(clothes.read(number % len(clothes))))
        shape = np.asarray(garment.resize((side, side), Image.Resampling.BICUBIC), np.float32)
        top, bottom, cloth = generator.uniform(0, 255, (3, 3)).astype(np.float32)
        ground = (top + (bottom - top) * ramp)[:, None, :]
        share = shape[..., None] / 255
        photo = ground * (1 - share) + cloth * share + noises[number % _NOISES]
        path = folder / f"{number:05}.jpg"
        Image.fromarray(photo.clip(0, 255).astype(np.uint8)).save(path, quality=90)
        total += path.stat().st_size
    return total / count
