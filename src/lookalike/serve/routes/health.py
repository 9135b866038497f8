"""Whether the service answers, and its figures."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from lookalike.serve.errors import problem
from lookalike.serve.metrics import CONTENT_TYPE_LATEST, Metrics
from lookalike.serve.state import StateOf

__all__ = ["router"]

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """That the process answers."""

    status: str


class Ready(Health):
    """That searches are answered."""

    gallery_version: int


@router.get("/health")
async def health() -> Health:
    """Say that the process answers."""
    return Health(status="ok")


@router.get("/ready", response_model=Ready)
async def ready(state: StateOf) -> JSONResponse:
    """Say whether searches are answered: 503 until they are."""
    if not state.ready:
        return problem(503, "the engine is being opened", retry_after=1)
    return JSONResponse({"status": "ready", "gallery_version": state.opened.version})


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Figures for Prometheus."}},
)
async def metrics(request: Request) -> Response:
    """Give the service's figures as Prometheus reads them."""
    found: Metrics = request.app.state.metrics
    return Response(found.text(), media_type=CONTENT_TYPE_LATEST)
