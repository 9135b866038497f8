"""How a copy differs from the picture it is a copy of: in words, and in a picture."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from lookalike.engine.duplicate_groups import Copy
from lookalike.engine.keeping import size_of
from lookalike.serve.facts import shown_path

__all__ = ["differences", "draw_difference"]

# Files written within so many seconds are of one age.
_SAME_AGE = 2.0
# Longest side of what is compared and drawn.
LONGEST = 512
# What is the same is drawn faintly, what differs in this colour.
_FAINT = 0.35
_COLOUR = np.array([214, 40, 90], np.float32)
# Differences, of 255, below the first are what compressing does; from the second on all is colour.
_SEEN, _FULL = 8.0, 72.0


def differences(kept: Copy, other: Copy) -> list[str]:
    """Return how a copy differs from the one to keep, in a few words each: place, size, age.

    Args:
        kept: the one to keep.
        other: a copy of it.
    """
    words = _names(kept, other)
    if (kept.width, kept.height) != (other.width, other.height):
        less = other.width * other.height < kept.width * kept.height
        word = "fewer" if less else "more"
        words.append(
            f"{word} pixels: {other.width}×{other.height} instead of {kept.width}×{kept.height}"
        )
    if kept.format and other.format and kept.format != other.format:
        words.append(f"{other.format} instead of {kept.format}")
    if other.file_size != kept.file_size and min(other.file_size, kept.file_size) >= 0:
        word = "smaller" if other.file_size < kept.file_size else "larger"
        words.append(
            f"{word} file: {size_of(other.file_size)} instead of {size_of(kept.file_size)}"
        )
    words += _dates(kept, other)
    if not other.format:
        words.append("its file is gone or cannot be read")
    return words


def _names(kept: Copy, other: Copy) -> list[str]:
    paths = [shown_path(one.path).rpartition("/") for one in (kept, other)]
    folders, names = [folder or "." for folder, _, _ in paths], [name for _, _, name in paths]
    words = [] if folders[0] == folders[1] else [f"in {folders[1]} instead of {folders[0]}"]
    return words if names[0] == names[1] else [*words, f"called {names[1]}"]


def _dates(kept: Copy, other: Copy) -> list[str]:
    if kept.taken != other.taken:
        if other.taken is None:
            return ["does not say when it was taken"]
        since = "" if kept.taken is None else f" instead of {kept.taken:%Y-%m-%d %H:%M}"
        return [f"taken {other.taken:%Y-%m-%d %H:%M}{since}"]
    apart = (other.modified - kept.modified).total_seconds()
    if abs(apart) <= _SAME_AGE:
        return []
    word = "newer" if apart > 0 else "older"
    return [f"{word} file: of {other.modified:%Y-%m-%d %H:%M}"]


def draw_difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bytes:
    """Return a PNG of where two pictures differ: faint where they agree, coloured where not.

    Args:
        one: uint8 (h, w, 1 or 3); what is drawn.
        other: likewise, of any size: it is scaled to that of `one`.
    """
    first = _as_image(one)
    second = _as_image(other).resize(first.size, Image.Resampling.BICUBIC)
    # A little blur: edges that lie half a pixel apart are no difference.
    soft = [
        np.asarray(image.filter(ImageFilter.GaussianBlur(1)), np.float32)
        for image in (first, second)
    ]
    apart = np.abs(soft[0] - soft[1]).max(axis=2)
    share = np.clip((apart - _SEEN) / (_FULL - _SEEN), 0, 1)[:, :, None]
    grey = np.asarray(first.convert("L"), np.float32)[:, :, None]
    ground = 255 - _FAINT * (255 - grey)
    drawn = ground * (1 - share) + _COLOUR * share
    data = io.BytesIO()
    Image.fromarray(np.rint(drawn).astype(np.uint8)).save(data, "PNG")
    return data.getvalue()


def _as_image(pixels: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("RGB")
    scale = LONGEST / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC)
