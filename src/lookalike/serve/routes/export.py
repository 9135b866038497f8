"""What a search found, to be taken along."""

from __future__ import annotations

import numpy as np
from fastapi import APIRouter
from fastapi.responses import Response
from numpy.typing import NDArray

from lookalike.serve.exporting import Exported, export
from lookalike.serve.receiving import upload_pixels
from lookalike.serve.schemas import ExportBody, QueryBody, SearchFound
from lookalike.serve.searching import search_in
from lookalike.serve.state import Opened, State, StateOf
from lookalike.serve.thumbnails import gallery_pixels

__all__ = ["router"]

router = APIRouter(tags=["search"])

_SIZE = 320


@router.post(
    "/export",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "A file."}},
)
async def export_found(state: StateOf, body: ExportBody) -> Response:
    """Give what a search finds as a table, as JSON, as an archive of links, or as one picture."""
    opened, found = await search_in(state, body.search)
    made = await state.work.run(_export, state, opened, found, body)
    headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
    return Response(made.data, media_type=made.kind, headers=headers)


def _export(state: State, opened: Opened, found: SearchFound, body: ExportBody) -> Exported:
    return export(opened, found, body.format, _query(state, opened, body))


def _query(state: State, opened: Opened, body: ExportBody) -> NDArray[np.uint8]:
    """Return what a contact sheet shows as the query: the first of several."""
    if body.format != "sheet":
        return np.zeros((1, 1, 3), np.uint8)
    first: QueryBody = body.search.queries[0]
    if first.upload is not None:
        return upload_pixels(state, state.uploads.find(first.upload), _SIZE)
    return gallery_pixels(opened, opened.place(first.id or 0), _SIZE)
