"""What the engine holds."""

from __future__ import annotations

from fastapi import APIRouter

from lookalike.serve.facts import engine_facts
from lookalike.serve.schemas import EngineFacts
from lookalike.serve.state import StateOf

__all__ = ["router"]

router = APIRouter(tags=["engine"])


@router.get("/engine")
async def engine(state: StateOf) -> EngineFacts:
    """Say what the engine holds, and what can be asked of it."""
    return await state.work.run(engine_facts, state.opened)
