"""What a picture is, whatever file it is in: a digest of its pixels, and facts of its file."""

from __future__ import annotations

import hashlib
import io
import re
import struct
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from lookalike.images.decode import upright
from lookalike.images.limits import IntakeLimits
from lookalike.images.quiet import quiet_pillow

__all__ = ["FileFacts", "file_facts", "pixel_digest"]

# Pixels that are hashed at once, so that a large picture is not copied whole.
STRIP = 4_000_000
DIGEST_BYTES = 20
# EXIF: the block of the camera, when the picture was taken, that same in parts of a second, and
# when the file was written by the camera.
CAMERA, TAKEN, WRITTEN = 0x8769, 0x9003, 0x0132
FIRST_PHOTOGRAPH = 1826
DEPTH_TAG = 258  # TIFF: bits of each sample
_LIMITS = IntakeLimits()
LOSSLESS = {"PNG", "BMP", "TIFF", "GIF", "PPM", "TGA", "PCX", "ICNS", "ICO", "SGI", "QOI", "DIB"}
LOSSY_TIFF = {"jpeg", "tiff_jpeg", "webp"}
# Of a file, enough to see how it is compressed.
HEAD = 256
# Files of several pictures of which the first is the one that people mean.
ONE_PICTURE = {"MPO"}
# Files that may hold more than is seen: further pictures, or bits that their headers do not tell.
MAY_HOLD_MORE = {"MPO", "JPEG2000", "AVIF"}
# What Pillow opens without taking away anything.
EIGHT_BITS = {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr"}


@dataclass(frozen=True)
class FileFacts:
    """What a file's header says.

    Attributes:
        format: such as "JPEG", "PNG", "HEIF"; "" where it is not known.
        lossless: the format kept every pixel that it was given.
        depth: bits a channel.
        frames: pictures in the file; 0 where that is not known.
        taken: when the camera took it, by its own clock; None where it does not say.
    """

    format: str = ""
    lossless: bool = False
    depth: int = 8
    frames: int = 0
    taken: datetime | None = None


def pixel_digest(data: bytes, limits: IntakeLimits = _LIMITS) -> str | None:
    """Return a digest (hex) of a picture's pixels, equal for equal pictures and for no others.

    The pixels are those of the whole picture, upright, in sRGB, with their transparency. The colour
    below full transparency, which nobody sees, does not count, nor does whether grey is kept as
    grey or as three equal colours.

    Args:
        data: the bytes of a file.
        limits: what it may cost.

    Returns:
        None where the first picture, in 8 bits a channel and sRGB, is not all, or may not be: for
        an animation, several pages, more bits, CMYK and LAB, and for formats whose depth cannot
        be told. Pictures of different colour profiles are never the same.

    Raises:
        PictureError: the picture cannot be read.
    """
    facts = file_facts(data)
    if facts.frames > 1 or facts.depth > 8 or facts.format in MAY_HOLD_MORE:
        return None
    image = upright(data, limits)
    whole, profile = _shows_all(data) if facts.frames else (False, b"")
    if not whole:
        return None
    digest = hashlib.blake2b(struct.pack("<2q", *image.size), digest_size=DIGEST_BYTES)
    digest.update(hashlib.sha256(profile).digest() if profile else b"")
    opaque = "A" not in image.mode or image.getchannel("A").getextrema() == (255, 255)
    step = max(1, STRIP // image.width)
    for top in range(0, image.height, step):
        strip = image.crop((0, top, image.width, min(top + step, image.height)))
        if opaque:
            digest.update(strip.convert("RGB").tobytes())
            continue
        pixels = np.array(strip.convert("RGBA"))
        pixels[pixels[..., 3] == 0] = 0
        digest.update(pixels.tobytes())
    return digest.hexdigest()


def file_facts(source: Path | bytes) -> FileFacts:
    """Return what the header of a file says; nothing of one that cannot be opened.

    Args:
        source: a file, or its bytes. No pixel is decoded.
    """
    try:
        with quiet_pillow(), _file(source) as file, _opened(file) as image:
            file.seek(0)
            head = file.read(HEAD)
            name = image.format or ""
            frames = 1 if name in ONE_PICTURE else int(getattr(image, "n_frames", 1))
            return FileFacts(name, _lossless(image, head), _depth(image, head), frames,
                             _taken(image))  # fmt: skip
    except Exception:  # a damaged header makes Pillow raise nearly anything, and says nothing
        return FileFacts()


def _shows_all(data: bytes) -> tuple[bool, bytes]:
    """Return whether 8 bits of red, green and blue are all of a picture, and its colour profile."""
    with quiet_pillow(), _file(data) as file, _opened(file) as image:
        profile = image.info.get("icc_profile") or b""
        deep_ppm = image.format == "PPM" and _maximum(data) > 255
        return image.mode in EIGHT_BITS and not deep_ppm, bytes(profile)


def _maximum(data: bytes) -> int:
    """Return the largest value that a PGM or PPM file says it holds."""
    words = re.sub(rb"#[^\n]*", b"", data[:HEAD]).split(maxsplit=4)
    return int(words[3]) if len(words) > 3 and words[3].isdigit() else 255


def _file(source: Path | bytes) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _opened(file: BinaryIO) -> Image.Image:
    try:
        return Image.open(file)
    except UnidentifiedImageError:
        from pillow_heif import register_heif_opener

        register_heif_opener()
        file.seek(0)
        return Image.open(file)


def _lossless(image: Image.Image, head: bytes) -> bool:
    if image.format == "WEBP":
        return b"VP8L" in head
    if image.format == "TIFF":
        return image.info.get("compression") not in LOSSY_TIFF
    return image.format in LOSSLESS


def _depth(image: Image.Image, head: bytes) -> int:
    """Return bits a channel, also where Pillow reads 16 bits as 8."""
    if image.format == "PNG":
        return head[24]
    if image.format == "TIFF":
        bits: Any = image.tag_v2.get(DEPTH_TAG, 8)  # type: ignore[attr-defined]
        return int(max(bits) if isinstance(bits, tuple) else bits)
    return int(image.info.get("bit_depth", 8))


def _taken(image: Image.Image) -> datetime | None:
    """Return when the picture was taken; a damaged EXIF block does not say."""
    try:
        exif = image.getexif()
        text = exif.get_ifd(CAMERA).get(TAKEN) or exif.get(WRITTEN)
        taken = datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S")
        return taken if taken.year >= FIRST_PHOTOGRAPH else None  # clocks begin in year 1
    except Exception:  # Pillow's parser fails in many ways on damaged EXIF
        return None
