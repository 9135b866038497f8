"""Taking uploaded pictures in: decoded where a codec can do no harm."""

from __future__ import annotations

import numpy as np
from fastapi import UploadFile
from numpy.typing import NDArray

from lookalike.images.answers import Thumbnail
from lookalike.serve.errors import Refusal
from lookalike.serve.state import State
from lookalike.serve.uploads import Upload, digest_of

__all__ = ["receive", "upload_pixels"]


async def receive(state: State, file: UploadFile) -> Upload:
    """Return an uploaded picture, kept for searches.

    Raises:
        Refusal: it is too large, or empty.
        PictureError: it is no picture, or not one that may be decoded.
    """
    data = await file.read(state.limits.max_bytes + 1)
    if problem := state.limits.too_large(max(len(data), file.size or 0)):
        raise Refusal(413, f"the picture is not taken: {problem}")
    if not data:
        raise Refusal(422, "the uploaded file is empty: give a picture")
    return await state.work.run(_take, state, data)


def upload_pixels(state: State, upload: Upload, size: int) -> NDArray[np.uint8]:
    """Return a small copy of an upload, uint8 (h, w, 3), neither side above `size`.

    Raises:
        PictureError: it cannot be read.
    """
    return state.intake.read(upload.data, Thumbnail(size)).pixels


def _take(state: State, data: bytes) -> Upload:
    name, image = digest_of(data), state.opened.engine.image
    kept = state.uploads.get(name)
    if kept is not None:
        return kept
    read = state.intake.read(data, image)
    upload = Upload(name, data, *read.size, image, read.pixels)
    state.uploads.keep(upload)
    return upload
