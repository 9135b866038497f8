"""What only a decoder can show, and the report card."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from lookalike.serve.errors import Refusal
from lookalike.serve.finding import find_or_start, started
from lookalike.serve.found_schemas import Odds, Started
from lookalike.serve.jobs import Job
from lookalike.serve.odd import odd_ones, odds_of, reconstruction
from lookalike.serve.schemas import MOST
from lookalike.serve.state import Opened, PictureId, StateOf

__all__ = ["router"]

router = APIRouter(tags=["looking"])

_A_WHILE = "private, max-age=600"


@router.get("/oddities", response_model=Odds, responses={202: {"model": Started}})
async def oddities(
    state: StateOf, count: Annotated[int, Query(ge=1, le=MOST)] = 25
) -> Odds | JSONResponse:
    """Give the pictures that are rebuilt worst; 202 and a job while they are being found."""
    opened = state.opened
    found = find_or_start(state, opened, await state.work.run(odd_ones, opened))
    if isinstance(found, Job):
        return started(found)
    return await state.work.run(odds_of, opened, found, count)


@router.get(
    "/pictures/{picture}/reconstruction",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "What the decoder rebuilds."}},
)
async def rebuilt(state: StateOf, picture: PictureId) -> Response:
    """Give what the decoder makes of a picture."""
    opened = state.opened
    data = await state.work.run(reconstruction, opened, opened.place(picture))
    return Response(data, media_type="image/png", headers={"Cache-Control": _A_WHILE})


@router.get("/card")
async def card(state: StateOf) -> dict[str, Any]:
    """Give the report card: what the engine finds, measured."""
    return await state.work.run(_card, state.opened)


def _card(opened: Opened) -> dict[str, Any]:
    place = opened.engine.layout.reports / "card.json"
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise Refusal(404, "there is no report card yet: `lookalike report` makes it")
    return found
