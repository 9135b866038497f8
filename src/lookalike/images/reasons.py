"""Why a picture cannot be decoded, in a few words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from lookalike.errors import PictureError
from lookalike.images.quiet import quiet_pillow
from lookalike.names import name_of_file

__all__ = ["Refused", "reading", "reason_of"]

_REASONS = {
    "truncated": "the file is cut short",
    "decompressed data too large": "what it says beside the picture unpacks to too much",
}
_DATA_FIRST = re.compile(r"^b['\"](\w[\w ]*).*")
_DATA = re.compile(r"[\s:]*\(?\w*\s*\bb['\"].*")


class Refused(ValueError):
    """A picture is not even tried; the text says why."""


@contextmanager
def reading(source: object) -> Iterator[None]:
    """Keep Pillow quiet, and make whatever it raises a `PictureError` of one line."""
    try:
        with quiet_pillow():
            yield
    except PictureError:
        raise
    except Exception as error:  # a damaged file makes Pillow raise nearly anything
        raise PictureError(f"cannot read {_name(source)}: {reason_of(error)}") from error


def _name(source: object) -> str:
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
    if isinstance(error, Refused):
        return text
    text = _DATA.sub("", _DATA_FIRST.sub(r"\1", text))  # bytes of the file say nothing to anybody
    if not text or "<" in text:
        text = type(error).__name__
    return f"it cannot be decoded ({name_of_file(text)})"
