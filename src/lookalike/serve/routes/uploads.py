"""Pictures that people bring to search with."""

from __future__ import annotations

from fastapi import APIRouter, UploadFile
from fastapi.responses import Response

from lookalike.serve import schemas
from lookalike.serve.receiving import receive, upload_pixels
from lookalike.serve.state import StateOf
from lookalike.serve.thumbnails import SIZES, as_webp

__all__ = ["router"]

router = APIRouter(prefix="/uploads", tags=["uploads"])


@router.post("")
async def upload(state: StateOf, file: UploadFile) -> schemas.Upload:
    """Take a picture in; searches call it by the name in the answer."""
    taken = await receive(state, file)
    return schemas.Upload(upload=taken.id, width=taken.width, height=taken.height)


@router.get(
    "/{upload}/thumbnail",
    response_class=Response,
    responses={200: {"content": {"image/webp": {}}, "description": "A small copy."}},
)
async def thumbnail(state: StateOf, upload: str, size: int = 256) -> Response:
    """Give a small copy of an uploaded picture, while it is kept."""
    found = state.uploads.find(upload)
    size = min((one for one in SIZES if one >= size), default=SIZES[-1])
    data = await state.work.run(lambda: as_webp(upload_pixels(state, found, size)))
    return Response(
        data, media_type="image/webp", headers={"Cache-Control": "private, max-age=600"}
    )
