"""Pictures that are there more than once, and how they differ."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from lookalike.serve.copies import difference, duplicates_of, groups_of
from lookalike.serve.finding import find_or_start, started
from lookalike.serve.found_schemas import Groups, Started
from lookalike.serve.jobs import Job
from lookalike.serve.state import PictureId, StateOf

__all__ = ["router"]

router = APIRouter(tags=["duplicates"])

_A_WHILE = "private, max-age=600"
_Share = Annotated[float, Query(gt=0, lt=1)]


@router.get("/duplicates", response_model=Groups, responses={202: {"model": Started}})
async def duplicates(
    state: StateOf,
    kinds: Annotated[str, Query(max_length=200)] = "exact,same-pixels,edited",
    at_least: _Share = 0.5,
    offset: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Groups | JSONResponse:
    """Give groups of copies; 202 and a job while they are being found."""
    opened = state.opened
    found = find_or_start(state, opened, duplicates_of(opened, kinds, at_least))
    if isinstance(found, Job):
        return started(found)
    return await state.work.run(groups_of, state, opened, found, offset, limit)


@router.get(
    "/pictures/{picture}/difference/{other}",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "At most 512 pixels a side."}},
)
async def differing(state: StateOf, picture: PictureId, other: PictureId) -> Response:
    """Give a picture of where two pictures differ, the second scaled to the size of the first."""
    opened = state.opened
    one, two = opened.places([picture, other]).tolist()
    data = await state.work.run(difference, opened, one, two)
    return Response(data, media_type="image/png", headers={"Cache-Control": _A_WHILE})
