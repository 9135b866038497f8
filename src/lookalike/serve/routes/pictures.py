"""The gallery's pictures, one by one and page by page."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from lookalike.serve.facts import picture_facts, pictures_at
from lookalike.serve.files import original_file
from lookalike.serve.filters import where_of
from lookalike.serve.schemas import MOST, Filters, ListedBody, Page, PictureFacts
from lookalike.serve.state import Opened, PictureId, StateOf
from lookalike.serve.thumbnails import SIZES, gallery_thumbnail

__all__ = ["router"]

router = APIRouter(prefix="/pictures", tags=["pictures"])

_FOREVER = "private, max-age=31536000, immutable"
_A_WHILE = "private, max-age=60"
_Names = Annotated[list[str] | None, Query(max_length=500)]
_Pixels = Annotated[int | None, Query(ge=0, le=2**31 - 1)]


@router.get("")
async def pictures(
    state: StateOf,
    offset: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    label: _Names = None,
    folder: _Names = None,
    min_width: _Pixels = None,
    max_width: _Pixels = None,
    min_height: _Pixels = None,
    max_height: _Pixels = None,
    text: Annotated[str | None, Query(max_length=500)] = None,
) -> Page:
    """List the gallery's pictures, those that filters let pass, in the order of their ids."""
    filters = Filters(
        labels=label, folders=folder, min_width=min_width, max_width=max_width,
        min_height=min_height, max_height=max_height, text=text,
    )  # fmt: skip
    return await state.work.run(_page, state.opened, where_of(filters), offset, limit)


@router.post("/listed")
async def listed(state: StateOf, body: ListedBody) -> Page:
    """Give the pictures of some ids, in this order."""
    opened = state.opened
    places = opened.places(body.ids)
    found = await state.work.run(pictures_at, opened, places)
    return Page(total=len(found), offset=0, pictures=found)


@router.get("/{picture}")
async def picture(state: StateOf, picture: PictureId) -> PictureFacts:
    """Say what is known of a picture."""
    opened = state.opened
    return await state.work.run(lambda: picture_facts(opened, opened.place(picture)))


@router.get(
    "/{picture}/thumbnail",
    response_class=Response,
    responses={200: {"content": {"image/webp": {}}, "description": "A small copy."}},
)
async def thumbnail(
    request: Request, state: StateOf, picture: PictureId, size: int = 256, v: str = ""
) -> Response:
    """Give a small copy of a picture; `v`, the first of its digest, lets a browser keep it."""
    opened = state.opened
    size = min((one for one in SIZES if one >= size), default=SIZES[-1])
    place = opened.place(picture)
    digest = opened.gallery.sha256_at(place)
    headers = {"ETag": f'"{digest[:32]}-{size}"', "Cache-Control": _A_WHILE}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    small = state.thumbnails.get((digest, size))
    if small is None:
        small = await state.work.run(gallery_thumbnail, opened, place, size)
        if small.lasting:
            state.thumbnails.put((digest, size), small)
        else:
            del headers["ETag"]
    if small.lasting and v and digest.startswith(v):
        headers["Cache-Control"] = _FOREVER
    return Response(small.data, media_type="image/webp", headers=headers)


@router.get(
    "/{picture}/file",
    response_class=Response,
    responses={200: {"content": {"image/*": {}}, "description": "The original."}},
)
async def file(state: StateOf, picture: PictureId) -> Response:
    """Give the original, as a JPEG where a browser would not show it as it is."""
    opened = state.opened
    place = opened.place(picture)
    found = await state.work.run(original_file, opened, place)
    return Response(found.data, media_type=found.kind, headers={"Cache-Control": _A_WHILE})


def _page(opened: Opened, where: str | None, offset: int, limit: int) -> Page:
    places = opened.gallery.positions(where)
    if places is None:
        places = np.arange(len(opened.gallery))
    some = places[offset : offset + limit]
    return Page(total=len(places), offset=offset, pictures=pictures_at(opened, some))
