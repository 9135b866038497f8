"""Searching."""

from __future__ import annotations

from fastapi import APIRouter

from lookalike.serve.schemas import SearchBody, SearchFound
from lookalike.serve.searching import search
from lookalike.serve.state import StateOf

__all__ = ["router"]

router = APIRouter(tags=["search"])


@router.post("/search")
async def search_pictures(state: StateOf, body: SearchBody) -> SearchFound:
    """Find the pictures closest to one query, or to several taken together."""
    return await search(state, body)
