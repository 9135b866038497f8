"""Pictures that tests draw."""

from __future__ import annotations

import numpy as np
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
