"""Originals as a browser may be given them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike.engine.files import is_file_of_its_own
from lookalike.engine.thumbnails import file_thumbnail
from lookalike.images.reading import read_bytes
from lookalike.pictures import to_png
from lookalike.serve.errors import Refusal
from lookalike.serve.originals import original
from lookalike.serve.state import Opened

__all__ = ["FoundFile", "original_file", "safe_kind"]

# How files begin that every browser shows as pictures and as nothing else.
_SAFE = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
)
# The longest side of what is made of others.
_LONGEST = 4_096


@dataclass(frozen=True)
class FoundFile:
    """A picture to be sent.

    Attributes:
        data: its bytes.
        kind: their media type.
    """

    data: bytes
    kind: str


def original_file(opened: Opened, place: int) -> FoundFile:
    """Return the original of a picture, or a JPEG of it.

    Raises:
        Refusal: there is none.
        PictureError: it cannot be read.
    """
    file = original(opened, place)
    if file is None and (pixels := _own_pixels(opened, place)) is not None:
        return FoundFile(to_png(Image.fromarray(pixels)), "image/png")
    if file is None:
        raise Refusal(410, "the original of this picture is not there")
    data = read_bytes(file, opened.engine.limits)
    kind = safe_kind(data)
    if kind is not None:
        return FoundFile(data, kind)
    pixels = file_thumbnail(opened.engine, file, _LONGEST, enlarge=False)
    jpeg = io.BytesIO()
    Image.fromarray(pixels).save(jpeg, "JPEG", quality=92)
    return FoundFile(jpeg.getvalue(), "image/jpeg")


def _own_pixels(opened: Opened, place: int) -> NDArray[np.uint8] | None:
    """Return the pixels of one picture of a file of many; None for a picture of its own file."""
    (path,) = opened.gallery.paths_at([place])
    cache = opened.engine.cache
    row = None if cache is None or is_file_of_its_own(path) else cache.position(path)
    if cache is None or row is None:
        return None
    pixels = np.asarray(cache.pixels[row])
    return pixels[:, :, 0] if pixels.shape[2] == 1 else pixels


def safe_kind(data: bytes) -> str | None:
    """Return the media type of bytes that a browser may show as they are; None for all others."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis"):
        return "image/avif"
    return next((kind for start, kind in _SAFE if data.startswith(start)), None)
