"""Pictures to test with."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image


def scene(width=48, height=32):
    """A smooth colour picture, no two corners alike, that survives lossy formats."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    pixels = np.stack([40 + 200 * x, 30 + 180 * y, 220 - 150 * x * y], axis=-1)
    return pixels.round().astype(np.uint8)


def encode(image, kind, **options):
    """The bytes of a file."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture
def photo():
    return scene()


@pytest.fixture
def folder(tmp_path):
    """Five pictures in two folders and at the top."""
    root = tmp_path / "photos"
    for number, name in enumerate(
        ["cats/a.jpg", "cats/b.png", "dogs/c.webp", "dogs/x/d.bmp", "e.gif"]
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = {"jpg": "JPEG"}.get(path.suffix[1:], path.suffix[1:].upper())
        path.write_bytes(encode(np.roll(scene(), 5 * number, axis=1), kind))
    return root
