"""What the service answers, a file for each subject."""

from __future__ import annotations

from fastapi import APIRouter

from lookalike.serve.routes import (
    duplicates,
    engine,
    export,
    health,
    jobs,
    looking,
    map,
    pictures,
    reach,
    search,
    stats,
    uploads,
)

__all__ = ["ROUTERS"]

ROUTERS: tuple[APIRouter, ...] = (
    engine.router,
    pictures.router,
    uploads.router,
    search.router,
    export.router,
    map.router,
    duplicates.router,
    looking.router,
    jobs.router,
    stats.router,
    reach.router,
    health.router,
)
