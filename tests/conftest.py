"""Pictures and engines that several tests share; nothing here touches the network."""

from __future__ import annotations

import os
from pathlib import Path

# As the command line does: tests must not crawl because something else runs on the machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import pytest
from PIL import Image, ImageDraw

KINDS = ("disc", "square", "stripes")


def draw_picture(kind: str, number: int, size: int = 48) -> Image.Image:
    """A shape whose kind is its label; colour, place and noise differ from picture to picture."""
    random = np.random.default_rng([KINDS.index(kind), number])
    noise = random.integers(0, 40, (size, size, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    pen = ImageDraw.Draw(image)
    colour = tuple(int(value) for value in random.integers(120, 255, 3))
    left, top = (int(value) for value in random.integers(2, size // 3, 2))
    box = (left, top, left + size // 2, top + size // 2)
    if kind == "disc":
        pen.ellipse(box, fill=colour)
    elif kind == "square":
        pen.rectangle(box, fill=colour)
    else:
        for x in range(0, size, 8):
            pen.rectangle((x, 0, x + 3, size), fill=colour)
    return image


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 36 readable pictures in three sub-folders, and one broken file."""
    root = tmp_path_factory.mktemp("photos")
    for kind in KINDS:
        (root / kind).mkdir()
        for number in range(12):
            suffix = ("png", "jpg")[number % 2]
            draw_picture(kind, number).save(root / kind / f"{number:02}.{suffix}")
    (root / "disc" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    return root


@pytest.fixture(scope="session")
def engine_path(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An engine over `photos`, with its report. Tests must not change it."""
    import lookalike

    place = tmp_path_factory.mktemp("engines") / "photos.lookalike"
    lookalike.build(photos, place, epochs=2, batch_size=8, size=32, device="cpu")
    return place
