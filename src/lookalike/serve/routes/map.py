"""The map of the whole gallery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response

from lookalike.serve.errors import Refusal
from lookalike.serve.finding import started
from lookalike.serve.found_schemas import MapFacts, PlaceBody, Started, Where
from lookalike.serve.mapping import NoMap, SentMap, map_facts, sent_map, start_map
from lookalike.serve.schemas import SearchBody
from lookalike.serve.searching import search
from lookalike.serve.state import State, StateOf

__all__ = ["router"]

router = APIRouter(prefix="/map", tags=["map"])

_FOREVER = "private, max-age=31536000, immutable"
_ASK_AGAIN = "private, no-cache"
# Neighbours that say where a query stands.
_AMONG = 12
_BINARY: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "16 bytes a picture."},
    304: {"description": "Not changed."},
}
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/webp": {}}, "description": "2048 pixels a side."},
    304: {"description": "Not changed."},
}


@router.get("")
async def facts(state: StateOf) -> MapFacts:
    """Say whether there is a map; one of before the gallery changed is brought up to date."""
    return await state.work.run(map_facts, state, state.opened)


@router.post("", status_code=202, response_model=Started)
async def make(state: StateOf, anew: bool = False) -> JSONResponse:
    """Make the map, or bring it up to date, in the background; `anew` lays out all again."""
    return started(start_map(state, state.opened, anew=anew))


@router.get("/points", response_class=Response, responses=_BINARY)
async def points(request: Request, state: StateOf, v: str = "") -> Response:
    """Give all points, little-endian, tile by tile.

    Each has 16 bytes: id (uint32), x and y (float32, in the unit square, y downwards), number of
    its label in `labels` of the map (uint16, 65535 for none), width and height (uint8) of the
    picture in the middle of its tile.
    """
    sent = await _sent(state)
    return _answer(request, v, sent.version, lambda: sent.points, "application/octet-stream")


@router.get("/atlas/{page}", response_class=Response, responses=_PICTURE)
async def atlas(
    request: Request, state: StateOf, page: Annotated[int, Path(ge=0, le=2**31)], v: str = ""
) -> Response:
    """Give a page of small pictures: tile i of page p is point 4096 p + i, row by row."""
    sent = await _sent(state)
    if page >= len(sent.pages):
        raise Refusal(404, f"the map has no page {page}: it has {len(sent.pages)}")
    key = (sent.version, page)
    data = state.pages.get(key)
    if data is None:
        data = await state.work.run(sent.pages.page, page)
        state.pages.put(key, data)
    return _answer(request, v, f"{sent.version}-{page}", lambda: data, "image/webp")


@router.post("/place")
async def place(state: StateOf, body: PlaceBody) -> Where:
    """Say where a query falls on the map: among the pictures most like it."""
    sent = await _sent(state)
    one = body.queries[0]
    if len(body.queries) == 1 and one.id is not None and one.box is None and one.weight > 0:
        sent.opened.place(one.id)
        x, y = sent.map.place([one.id])
        return Where(x=x, y=y)
    asked = SearchBody(queries=body.queries, balance=body.balance, k=_AMONG, include_self=True)
    found = await search(state, asked)
    x, y = sent.map.place([hit.picture.id for hit in found.hits])
    return Where(x=x, y=y)


async def _sent(state: State) -> SentMap:
    sent = await state.work.run(sent_map, state, state.opened)
    if sent is None:
        raise NoMap
    return sent


def _answer(
    request: Request, asked: str, version: str, data: Callable[[], bytes], kind: str
) -> Response:
    headers = {
        "ETag": f'"{version}"',
        "Cache-Control": _FOREVER if asked and version.startswith(asked) else _ASK_AGAIN,
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(data(), media_type=kind, headers=headers)
