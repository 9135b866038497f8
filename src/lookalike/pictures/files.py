"""From an image to bytes or to a file."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from lookalike.errors import StorageError
from lookalike.storage import storage_errors

__all__ = ["FORMATS", "check_format", "save", "to_png"]

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_OPTIONS: dict[str, dict[str, int | bool]] = {
    "PNG": {"compress_level": 6},
    "JPEG": {"quality": 92, "subsampling": 0},
    "WEBP": {"quality": 92, "method": 4},
}
# Pixels that a side may have: libjpeg's limit, and the format's own.
_LARGEST = {"JPEG": 65_500, "WEBP": 16_383}


def to_png(image: Image.Image) -> bytes:
    """Return the image as the bytes of a PNG file; the same image gives the same bytes."""
    return _encode(image, "PNG")


def save(image: Image.Image, path: Path) -> None:
    """Write the image to `path`, as PNG, JPEG or WebP by its extension.

    The file is written beside `path` and renamed into place; missing folders are made.

    Raises:
        StorageError: another extension, too large a picture for it, no permission, a full disk, or
            a file where a folder should be.
    """
    kind = check_format(path)
    largest = _LARGEST.get(kind, max(image.size))
    if max(image.size) > largest:
        raise StorageError(
            f"cannot write {path}: {image.width:,}×{image.height:,} pixels, a {kind} takes up to "
            f"{largest:,} a side; choose a name that ends in .png"
        )
    content = _encode(image, kind)
    beside = path.with_name(path.name + ".new")
    with storage_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                beside.write_bytes(content)
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
        except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
            raise StorageError(
                f"cannot write {path}: {(error.strerror or 'error').lower()}; choose another name"
            ) from error


def check_format(path: Path) -> str:
    """Return the format that a name asks for.

    Raises:
        StorageError: it has the extension of none.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise StorageError(
            f"cannot write {path}: a picture's name ends in {', '.join(FORMATS)}, "
            f"got {path.suffix or 'no extension'}; choose such a name"
        )
    return kind


def _encode(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, kind, **_OPTIONS[kind])
    return buffer.getvalue()
