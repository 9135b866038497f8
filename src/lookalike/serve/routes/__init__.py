"""What the service answers, a file for each subject."""

from __future__ import annotations

from fastapi import APIRouter

from lookalike.serve.routes import engine, health, pictures, search, uploads

__all__ = ["ROUTERS"]

ROUTERS: tuple[APIRouter, ...] = (
    engine.router,
    pictures.router,
    uploads.router,
    search.router,
    health.router,
)
