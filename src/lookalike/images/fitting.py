"""Sizes: how a picture becomes as large as a network wants it."""

from __future__ import annotations

import math

from lookalike.images.spec import ImageSpec

__all__ = ["Size", "enough_for", "inside", "middle"]

Size = tuple[int, int]
"""Width and height in pixels."""


def inside(whole: Size, size: Size) -> Size:
    """The largest size of the shape of `whole` that fits inside `size`."""
    scale = min(size[0] / whole[0], size[1] / whole[1])
    return max(1, round(whole[0] * scale)), max(1, round(whole[1] * scale))


def middle(whole: Size, size: Size) -> tuple[float, ...]:
    """The largest box of the shape of `size` in the middle of `whole`: left, top, right, bottom."""
    scale = min(whole[0] / size[0], whole[1] / size[1])
    width, height = size[0] * scale, size[1] * scale
    left, top = (whole[0] - width) / 2, (whole[1] - height) / 2
    return left, top, left + width, top + height


def enough_for(whole: Size, spec: ImageSpec) -> Size:
    """The pixels that a picture of size `whole` must keep so that nothing is enlarged."""
    size = (spec.width, spec.height)
    if spec.fit == "stretch":
        return size
    if spec.fit == "pad":
        return inside(whole, size)
    scale = max(size[0] / whole[0], size[1] / whole[1])
    return math.ceil(whole[0] * scale), math.ceil(whole[1] * scale)
