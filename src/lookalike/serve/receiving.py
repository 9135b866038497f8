"""Taking uploaded pictures in: decoded, once, where a codec can do no harm."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from fastapi import UploadFile
from numpy.typing import NDArray

from lookalike.images.answers import Thumbnail
from lookalike.serve.errors import Refusal
from lookalike.serve.state import State
from lookalike.serve.uploads import Upload, Uploads

__all__ = ["receive", "upload_pixels"]


async def receive(state: State, file: UploadFile) -> Upload:
    """Return an uploaded picture, kept for searches.

    Raises:
        Refusal: it is too large.
        PictureError: it is no picture.
    """
    data = await file.read(state.limits.max_bytes + 1)
    if problem := state.limits.too_large(len(data)):
        raise Refusal(413, f"the picture is not taken: {problem}")
    if not data:
        raise Refusal(422, "the uploaded file is empty: give a picture")
    kept = state.uploads.kept.get(Uploads.name(data))
    return kept if kept is not None else await state.work.run(_check, state, data)


def _check(state: State, data: bytes) -> Upload:
    pixels = upload_pixels(state, data, 512)
    upload = Upload(Uploads.name(data), data, pixels.shape[1], pixels.shape[0])
    state.uploads.kept.put(upload.id, upload)
    return upload


def upload_pixels(state: State, data: bytes, size: int) -> NDArray[np.uint8]:
    """Return a small copy of an upload, uint8 (h, w, 3)."""
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(data)
        return state.intake.thumbnail(file.name, Thumbnail(size, enlarge=False))
