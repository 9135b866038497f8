"""Whether the service answers."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from lookalike.serve.errors import problem
from lookalike.serve.state import StateOf

__all__ = ["router"]

router = APIRouter(tags=["service"])


@router.get("/health")
async def health() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(state: StateOf) -> JSONResponse:
    """Say whether searches are answered."""
    if not state.ready:
        return problem(503, "the engine is being opened", retry_after=1)
    return JSONResponse({"status": "ready", "gallery_version": state.opened.version})
