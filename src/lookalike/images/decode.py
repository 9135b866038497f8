"""From a file, bytes, an array or a Pillow image to the pixels that a network takes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from lookalike.errors import PictureError
from lookalike.images.fitting import Size, enough_for, inside, middle
from lookalike.images.jpeg import quick_jpeg
from lookalike.images.limits import IntakeLimits
from lookalike.images.modes import (
    SIDEWAYS,
    on_background,
    orientation_of,
    plain_mode,
    to_srgb,
)
from lookalike.images.quiet import quiet_pillow
from lookalike.images.reading import read_bytes
from lookalike.images.spec import ImageSpec
from lookalike.names import name_of_file

__all__ = ["FORMATS", "Decoded", "Source", "decode", "reason_of", "thumbnail", "upright"]

Source = Path | str | bytes | NDArray[Any] | Image.Image

FORMATS = (
    *("JPEG", "PNG", "GIF", "BMP", "PPM", "WEBP", "AVIF", "TIFF", "JPEG2000", "DIB", "TGA"),
    *("ICO", "PCX", "PSD", "QOI", "SGI", "DDS"),
)
"""What is read, by Pillow's names, beside HEIF; PostScript is not, which runs another program."""

_LIMITS = IntakeLimits()
_TAILS = ((), (1,), (3,), (4,))
_WHITE = (255, 255, 255)
_REASONS = {
    "truncated": "the file is cut short",
    "decompressed data too large": "what it says beside the picture unpacks to too much",
}
_DATA_FIRST = re.compile(r"^b['\"](\w[\w ]*).*")
_DATA = re.compile(r"[\s:]*\(?\w*\s*\bb['\"].*")
_FILTER = Image.Resampling.BICUBIC
_REDUCING_GAP = 2.0


@dataclass(frozen=True, eq=False)
class Decoded:
    """One picture, ready for a network.

    Attributes:
        pixels: uint8 (height, width, channels) of the spec.
        width: of the original, in pixels, as displayed (its orientation applied).
        height: of the original, in pixels, as displayed.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class _Opened:
    """A picture upright, of a plain mode, perhaps smaller than the original, whose size is kept."""

    held: Image.Image | NDArray[np.uint8]  # an array (H, W, C) where it was had without Pillow
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


def decode(source: Source, spec: ImageSpec, limits: IntakeLimits = _LIMITS) -> Decoded:
    """Read one picture as `spec` asks.

    The EXIF orientation is applied, the first frame of an animation taken, transparency laid over
    the spec's background, an embedded colour profile converted to sRGB, 16 bits scaled to 8. JPEG
    is decoded at a reduced scale where that still gives enough pixels. A picture that already has
    the right size and channels keeps its exact values.

    Args:
        source: a path; the bytes of a file; a uint8 array (H, W), (H, W, 1), (H, W, 3) or
            (H, W, 4); or a Pillow image.
        spec: the size, channels, fit and background wanted.
        limits: how large a file, and what it claims to be, may be.

    Raises:
        PictureError: the picture cannot be read.
    """
    with _reading(source):
        opened = _open(source, lambda whole: enough_for(whole, spec), limits)
        ready = opened.as_asked(spec)
        if ready is not None:
            return Decoded(ready, opened.width, opened.height)
        width, height = opened.image.size
        size = (spec.width, spec.height)
        if spec.fit == "pad":
            size = inside((width, height), size)
        box = middle((width, height), size) if spec.fit == "crop" else (0, 0, width, height)
        image = to_srgb(_resize(opened.image, size, box), opened.profile)
        pixels = on_background(image, spec.background, spec.channels)
    if size != (spec.width, spec.height):
        pixels = _pad(pixels, spec)
    return Decoded(pixels, opened.width, opened.height)


def thumbnail(
    source: Source,
    size: int,
    background: tuple[int, int, int] = _WHITE,
    *,
    enlarge: bool = True,
    limits: IntakeLimits = _LIMITS,
) -> NDArray[np.uint8]:
    """Return a small copy to look at.

    A picture of at most half of `size` is enlarged by a whole factor without smoothing, so that
    the pixels of a 28×28 digit stay crisp.

    Args:
        source: what `decode` takes.
        size: the longest that a side may be, in pixels.
        background: RGB, under transparent pixels.
        enlarge: leave small pictures as they are, if false.
        limits: how large a file, and what it claims to be, may be.

    Returns:
        uint8 (height, width, 3), neither side above `size`.

    Raises:
        PictureError: the picture cannot be read.
    """
    with _reading(source):
        opened = _open(source, lambda whole: inside(whole, (size, size)), limits)
        image, longest = opened.image, max(opened.image.size)
        if longest > size:
            small = inside(image.size, (size, size))
            image = _resize(image, small, (0, 0, *image.size))
        pixels = on_background(to_srgb(image, opened.profile), background, 3)
    factor = max(1, size // longest) if enlarge else 1
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def upright(source: Source, limits: IntakeLimits = _LIMITS) -> Image.Image:
    """Return the whole picture: first frame, turned upright, sRGB; L, LA, RGB or RGBA.

    Raises:
        PictureError: the picture cannot be read.
    """
    with _reading(source):
        opened = _open(source, lambda whole: whole, limits)
        image = to_srgb(opened.image, opened.profile).copy()
    image.info = {}  # neither orientation nor profile may be applied a second time
    return image


def _open(source: Source, enough: Callable[[Size], Size], limits: IntakeLimits) -> _Opened:
    """Open, load and turn upright; `enough` says how many pixels a size must keep."""
    image = _image_of(source, limits)
    whole = image.size
    _refuse(limits.too_many(*whole))
    scaled = _draft(image, enough)
    quick = quick_jpeg(image)
    if quick is None:
        image.load()
    if not scaled and image.size != whole:  # an icon, or a header that lied
        whole = image.size
        _refuse(limits.too_many(*whole))
    # A copy of an image does not know what was set in the original's EXIF.
    transpose = orientation_of(source if isinstance(source, Image.Image) else image)
    profile = image.info.get("icc_profile") or None
    opened = _Opened(plain_mode(image) if quick is None else quick, *whole, profile)
    if transpose is None:
        return opened
    whole = whole[::-1] if transpose in SIDEWAYS else whole
    return _Opened(opened.image.transpose(transpose), *whole, profile)


class _Refused(ValueError):
    """A picture is not even tried; the text says why."""


def _refuse(problem: str) -> None:
    if problem:
        raise _Refused(problem)


def _draft(image: Image.Image, enough: Callable[[Size], Size]) -> bool:
    """Ask libjpeg for the smallest scale that is enough; True if it may have been reduced."""
    if image.format not in ("JPEG", "MPO"):
        return False
    if orientation_of(image) in SIDEWAYS:
        size = enough(image.size[::-1])[::-1]
    else:
        size = enough(image.size)
    return image.draft(None, size) is not None


def _image_of(source: Source, limits: IntakeLimits) -> Image.Image:
    if isinstance(source, np.ndarray):
        return _image_of_array(source)
    if isinstance(source, Image.Image):
        return source.copy()
    if isinstance(source, bytes):
        if not source:
            raise _Refused("it is empty")
        return _open_bytes(source)
    return _open_bytes(read_bytes(Path(source), limits))


def _image_of_array(array: NDArray[Any]) -> Image.Image:
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in _TAILS:
        raise _Refused(
            f"an array must be uint8 (H, W) or (H, W, 1, 3 or 4), got {array.dtype} {array.shape}"
        )
    return Image.fromarray(
        np.ascontiguousarray(array if array.shape[2:] != (1,) else array[..., 0])
    )


def _open_bytes(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        _register_heif()
        return Image.open(io.BytesIO(data), formats=("HEIF",))


@lru_cache(maxsize=1)
def _register_heif() -> None:
    from pillow_heif import register_heif_opener

    register_heif_opener()


def _resize(image: Image.Image, size: Size, box: tuple[float, ...]) -> Image.Image:
    if image.size == size and box == (0, 0, *size):
        return image
    left, top, right, bottom = box
    return image.resize(size, _FILTER, (left, top, right, bottom), reducing_gap=_REDUCING_GAP)


def _pad(pixels: NDArray[np.uint8], spec: ImageSpec) -> NDArray[np.uint8]:
    ground = Image.new("RGB", (1, 1), spec.background)
    padded = np.empty((spec.height, spec.width, spec.channels), np.uint8)
    padded[:] = on_background(ground, spec.background, spec.channels)
    top, left = (spec.height - pixels.shape[0]) // 2, (spec.width - pixels.shape[1]) // 2
    padded[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return padded


@contextmanager
def _reading(source: Source) -> Iterator[None]:
    """Keep Pillow quiet, and make whatever it raises a `PictureError` of one line."""
    try:
        with quiet_pillow():
            yield
    except PictureError:
        raise
    except Exception as error:  # a damaged file makes Pillow raise nearly anything
        raise PictureError(f"cannot read {_name(source)}: {reason_of(error)}") from error


def _name(source: Source) -> str:
    if isinstance(source, bytes):
        return f"the picture of {len(source):,} bytes"
    if isinstance(source, str | Path):
        return name_of_file(str(source))
    return "the picture given"


def reason_of(error: Exception) -> str:
    """Return in a few words why a picture cannot be decoded."""
    text = str(error).partition("\n")[0].strip()
    if isinstance(error, UnidentifiedImageError):
        return "it is not a picture of a known format"
    if isinstance(error, Image.DecompressionBombError):
        return "it claims too many pixels"
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    for mark, reason in _REASONS.items():
        if mark in text.lower():
            return reason
    if isinstance(error, _Refused):
        return text
    text = _DATA.sub("", _DATA_FIRST.sub(r"\1", text))  # bytes of the file say nothing to anybody
    if not text or "<" in text:
        text = type(error).__name__
    return f"it cannot be decoded ({name_of_file(text)})"
