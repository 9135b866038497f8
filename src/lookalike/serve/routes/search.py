"""Searching."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, UploadFile
from fastapi.responses import Response
from pydantic import ValidationError

from lookalike.serve.errors import Refusal
from lookalike.serve.receiving import receive
from lookalike.serve.schemas import (
    MOST,
    MOST_OFFSET,
    PictureSearch,
    QueryBody,
    SearchBody,
    SearchFound,
)
from lookalike.serve.searching import search
from lookalike.serve.state import PictureId, StateOf

__all__ = ["router"]

router = APIRouter(tags=["search"])


@router.post("/search", response_model=SearchFound)
async def search_pictures(state: StateOf, body: SearchBody) -> Response:
    """Find the pictures closest to one query, or to several taken together."""
    return _as_json(await search(state, body))


@router.post("/search/picture", response_model=SearchFound)
async def search_by_picture(
    state: StateOf,
    file: UploadFile,
    k: Annotated[int | None, Form(ge=1, le=MOST)] = None,
    balance: Annotated[float | None, Form(ge=0, le=1)] = None,
    request: Annotated[str, Form(max_length=100_000, description="More, as JSON.")] = "{}",
) -> Response:
    """Upload a picture and find the pictures closest to it, in one call.

    `request` takes what /search does, as JSON; its queries, if any, are searched with together with
    the picture.
    """
    try:
        asked = PictureSearch.model_validate_json(request)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, ("request", *first["loc"])))
        raise Refusal(422, f"{where}: {first['msg']}") from None
    upload = await receive(state, file)
    query = QueryBody(upload=upload.id, weight=asked.weight, box=asked.box)
    body = SearchBody(
        **{
            **asked.model_dump(exclude={"weight", "box", "queries"}),
            "queries": [query, *asked.queries],
        }
    )
    body.k = asked.k if k is None else k
    body.balance = asked.balance if balance is None else balance
    return _as_json(await search(state, body))


@router.get("/pictures/{picture}/neighbours", response_model=SearchFound)
async def neighbours(
    state: StateOf,
    picture: PictureId,
    k: Annotated[int, Query(ge=1, le=MOST)] = 60,
    offset: Annotated[int, Query(ge=0, le=MOST_OFFSET)] = 0,
    balance: Annotated[float | None, Query(ge=0, le=1)] = None,
) -> Response:
    """Find the pictures closest to one of the gallery."""
    body = SearchBody(queries=[QueryBody(id=picture)], k=k, offset=offset, balance=balance)
    return _as_json(await search(state, body))


def _as_json(found: SearchFound) -> Response:
    """Return the answer as it is: what was made here need not be checked again."""
    return Response(found.model_dump_json(), media_type="application/json")
