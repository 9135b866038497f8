"""Photos to measure on: parts of those that come with scikit-learn and scikit-image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["write_photos"]

QUALITY = (85, 88, 90)
# A part shows between this share of the shorter side of a photo and all of it.
SMALLEST_PART = 0.5


def write_photos(folder: Path, count: int, side: int = 512, seed: int = 0) -> float:
    """Write different JPEGs of that side into `folder`, as cameras do: 4:2:0, quality 85 to 90.

    Returns:
        Their mean size in bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)
    photos = [Image.fromarray(photo) for photo in _shipped()]
    total = 0
    for number in range(count):
        photo = photos[number % len(photos)]
        part = round(min(photo.size) * draw.uniform(SMALLEST_PART, 1))
        left, top = (int(draw.integers(0, whole - part + 1)) for whole in photo.size)
        picture = photo.resize(
            (side, side), Image.Resampling.BICUBIC, (left, top, left + part, top + part)
        )
        if draw.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        path = folder / f"{number:06}.jpg"
        picture.save(path, quality=int(draw.choice(QUALITY)))
        total += path.stat().st_size
    return total / count


def _shipped() -> list[np.ndarray]:
    from skimage import data
    from sklearn.datasets import load_sample_images

    return [*load_sample_images().images, data.astronaut(), data.chelsea(), data.coffee()]
