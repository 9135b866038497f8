"""Small copies of pictures, as files that a browser shows."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike.engine.files import is_file_of_its_own
from lookalike.engine.thumbnails import file_thumbnail
from lookalike.errors import PictureError
from lookalike.images import thumbnail
from lookalike.serve.originals import original
from lookalike.serve.state import Opened

__all__ = ["SIZES", "Small", "as_webp", "gallery_pixels", "gallery_thumbnail"]

SIZES = (64, 128, 256, 512)
_QUALITY = 80
# Fast rather than small: a page waits for hundreds of them.
_METHOD = 2


@dataclass(frozen=True)
class Small:
    """A small copy.

    Attributes:
        data: a WebP file.
        lasting: it is as good as it gets: of the original as it was indexed, and not of what that
            has become since, or of the copy that the engine keeps while it is away.
    """

    data: bytes
    lasting: bool


def gallery_thumbnail(opened: Opened, place: int, size: int) -> Small:
    """Return a small copy of a picture of the gallery, neither side above `size`."""
    (path,) = opened.gallery.paths_at([place])
    if not is_file_of_its_own(path):
        return Small(as_webp(_kept(opened, place, size)), True)
    file, digest = original(opened, place), opened.gallery.sha256_at(place)
    if file is not None:
        try:
            pixels = file_thumbnail(opened.engine, file, size, sha256=digest)
            return Small(as_webp(pixels), True)
        except PictureError:
            pass  # it was changed since it was indexed, or went bad
    return Small(as_webp(gallery_pixels(opened, place, size)), False)


def gallery_pixels(opened: Opened, place: int, size: int) -> NDArray[np.uint8]:
    """Return a small copy of a picture of the gallery, uint8 (h, w, 1 or 3).

    Of its file, else of the decoded copy that the engine keeps, else an empty grey tile.
    """
    file = original(opened, place)
    if file is not None:
        try:
            return file_thumbnail(opened.engine, file, size)
        except PictureError:
            pass  # it went bad since it was indexed
    return _kept(opened, place, size)


def as_webp(pixels: NDArray[np.uint8]) -> bytes:
    """Return uint8 (h, w, 1 or 3) as a WebP file."""
    data = io.BytesIO()
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("RGB")
    image.save(data, "WEBP", quality=_QUALITY, method=_METHOD)
    return data.getvalue()


def _kept(opened: Opened, place: int, size: int) -> NDArray[np.uint8]:
    cache = opened.engine.cache
    row = None if cache is None else cache.position(opened.gallery.paths_at([place])[0])
    if cache is None or row is None:
        return np.full((size, size, 3), 224, np.uint8)
    return thumbnail(np.asarray(cache.pixels[row]), size)
