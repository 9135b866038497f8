"""A picture opened: upright, of a plain mode, and no larger than it must be."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from lookalike.images.fitting import Size
from lookalike.images.jpeg import plain_jpeg, quick_jpeg
from lookalike.images.limits import IntakeLimits
from lookalike.images.modes import SIDEWAYS, orientation_of, plain_mode
from lookalike.images.reading import read_bytes
from lookalike.images.reasons import Refused
from lookalike.images.spec import ImageSpec

__all__ = ["Opened", "Source", "open_picture"]

Source = Path | str | bytes | NDArray[Any] | Image.Image

# What is read, by Pillow's names, beside HEIF; PostScript is not, which runs another program.
_FORMATS = (
    *("JPEG", "PNG", "GIF", "BMP", "PPM", "WEBP", "AVIF", "TIFF", "JPEG2000", "DIB", "TGA"),
    *("ICO", "PCX", "PSD", "QOI", "SGI", "DDS"),
)
_TAILS = ((), (1,), (3,), (4,))


@dataclass(frozen=True, eq=False)
class Opened:
    """A picture upright, of a plain mode, perhaps smaller than the original, whose size is kept.

    Attributes:
        held: the picture; uint8 (H, W, C) where it was had without Pillow.
        width: of the original, in pixels, as displayed.
        height: of the original, in pixels, as displayed.
        profile: its ICC colour profile, where it has one.
    """

    held: Image.Image | NDArray[np.uint8]
    width: int
    height: int
    profile: bytes | None

    @cached_property
    def image(self) -> Image.Image:
        """The picture for Pillow."""
        if isinstance(self.held, Image.Image):
            return self.held
        return Image.fromarray(self.held if self.held.shape[2] == 3 else self.held[..., 0])

    def as_asked(self, spec: ImageSpec) -> NDArray[np.uint8] | None:
        """Return the pixels if there is nothing left to do to them."""
        if isinstance(self.held, Image.Image) or self.profile is not None:
            return None
        wanted = (spec.height, spec.width, spec.channels)
        return self.held if self.held.shape == wanted else None


def open_picture(source: Source, enough: Callable[[Size], Size], limits: IntakeLimits) -> Opened:
    """Open, load and turn upright.

    Args:
        source: a path; the bytes of a file; a uint8 array (H, W), (H, W, 1), (H, W, 3) or
            (H, W, 4); or a Pillow image.
        enough: says how many pixels (width, height) a size must keep.
        limits: how large a file, and what it claims to be, may be.

    Raises:
        PictureError: the file cannot be read.
        Exception: whatever Pillow raises of a damaged file; see `reading`.
    """
    if isinstance(source, Image.Image):
        # A copy of an image does not know what was set in the original's EXIF.
        return _loaded(source.copy(), enough, limits, source)
    if isinstance(source, np.ndarray):
        image = _of_array(source)
        return _loaded(image, enough, limits, image)
    data = source if isinstance(source, bytes) else read_bytes(Path(source), limits)
    return _of_bytes(data, enough, limits)


def _of_bytes(data: bytes, enough: Callable[[Size], Size], limits: IntakeLimits) -> Opened:
    if not data:
        raise Refused("it is empty")
    plain = plain_jpeg(data, enough, limits)
    if plain is not None:
        return Opened(plain.pixels, *plain.size, None)
    image = _image_of(data)
    return _loaded(image, enough, limits, image)


def _of_array(array: NDArray[Any]) -> Image.Image:
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in _TAILS:
        raise Refused(
            f"an array must be uint8 (H, W) or (H, W, 1, 3 or 4), got {array.dtype} {array.shape}"
        )
    return Image.fromarray(
        np.ascontiguousarray(array if array.shape[2:] != (1,) else array[..., 0])
    )


def _image_of(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError:
        _register_heif()
        return Image.open(io.BytesIO(data), formats=("HEIF",))


@lru_cache(maxsize=1)
def _register_heif() -> None:
    from pillow_heif import register_heif_opener

    register_heif_opener()


def _loaded(
    image: Image.Image,
    enough: Callable[[Size], Size],
    limits: IntakeLimits,
    described: Image.Image,
) -> Opened:
    """Load a picture and turn it as `described`'s EXIF says."""
    whole = image.size
    _refuse(limits.too_many(*whole))
    scaled = _draft(image, enough)
    quick = quick_jpeg(image)
    if quick is None:
        image.load()
    if not scaled and image.size != whole:  # an icon, or a header that lied
        whole = image.size
        _refuse(limits.too_many(*whole))
    transpose = orientation_of(described)
    profile = image.info.get("icc_profile") or None
    opened = Opened(plain_mode(image) if quick is None else quick, *whole, profile)
    if transpose is None:
        return opened
    whole = whole[::-1] if transpose in SIDEWAYS else whole
    return Opened(opened.image.transpose(transpose), *whole, profile)


def _refuse(problem: str) -> None:
    if problem:
        raise Refused(problem)


def _draft(image: Image.Image, enough: Callable[[Size], Size]) -> bool:
    """Ask libjpeg for the smallest scale that is enough; True if it may have been reduced."""
    if image.format not in ("JPEG", "MPO"):
        return False
    if orientation_of(image) in SIDEWAYS:
        size = enough(image.size[::-1])[::-1]
    else:
        size = enough(image.size)
    return image.draft(None, size) is not None
