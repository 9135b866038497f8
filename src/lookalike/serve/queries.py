"""From what a request names to what the engine searches with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.queries import Query
from lookalike.errors import PictureError, UnreadableQueryError
from lookalike.images import Crop, ImageSpec, crop, decode
from lookalike.images.answers import Part
from lookalike.serve.errors import Refusal
from lookalike.serve.originals import original
from lookalike.serve.schemas import Box, QueryBody
from lookalike.serve.state import Opened, State
from lookalike.serve.uploads import Upload

__all__ = ["QueryKey", "find_query", "key_of"]

QueryKey = tuple[object, ...]


def key_of(opened: Opened, query: QueryBody, include_self: bool) -> QueryKey:
    """Return what a query is kept under once it is prepared."""
    return (*opened.key, query.id, query.upload, query.box, include_self)


async def find_query(state: State, opened: Opened, query: QueryBody, key: QueryKey) -> Query:
    """Return a query that can be searched with, prepared if it was so before.

    Raises:
        Refusal: there is no such picture, or none is named.
        QueryError: it cannot be read.
    """
    if (query.id is None) == (query.upload is None):
        raise Refusal(422, "a query is either an id or an upload: give one of them")
    upload = None if query.upload is None else state.uploads.find(query.upload)
    kept = state.prepared.get(key)
    if kept is not None:
        return kept
    box = None if query.box is None else _crop(query.box)
    if upload is not None:
        if box is None and upload.spec == opened.engine.image:
            return Query("upload", -1, upload.pixels, None)
        pixels = await state.work.run(_of_upload, state, opened, upload, box)
        return Query("upload", -1, pixels, None)
    place = opened.place(query.id or 0)
    plain = Query(*_names(opened, place))
    if box is None:
        return plain
    return replace(plain, pixels=await state.work.run(_of_gallery, state, opened, place, box))


def _names(opened: Opened, place: int) -> tuple[str, int, None, None, str | None]:
    (path,), (label,) = opened.gallery.paths_at([place]), opened.gallery.labels_at([place])
    return path, place, None, None, label


def _crop(box: Box) -> Crop:
    left, top, right, bottom = box
    if not (left < right and top < bottom):
        raise Refusal(422, "a box is left, top, right, bottom: right and bottom are the larger")
    return Crop(left, top, right - left, bottom - top)


def _of_upload(state: State, opened: Opened, upload: Upload, box: Crop | None) -> NDArray[np.uint8]:
    image = opened.engine.image
    return _read(state, upload.data, image if box is None else Part(box, image))


def _of_gallery(state: State, opened: Opened, place: int, box: Crop) -> NDArray[np.uint8]:
    """Return a part of a picture of the gallery: of its file, else of the decoded copy."""
    engine, file = opened.engine, original(opened, place)
    if file is not None:
        return _read(state, file, Part(box, engine.image))
    cache = engine.cache
    row = None if cache is None else cache.position(opened.gallery.paths_at([place])[0])
    if cache is None or row is None:
        raise Refusal(410, "this picture is gone, and a part of it cannot be searched with")
    return decode(crop(np.asarray(cache.pixels[row]), box), engine.image).pixels


def _read(state: State, source: object, wanted: ImageSpec | Part) -> NDArray[np.uint8]:
    try:
        return state.intake.read(source, wanted).pixels  # type: ignore[arg-type]
    except PictureError as error:
        raise UnreadableQueryError(f"the query cannot be read: {error}") from error
