"""The service as an ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI

from lookalike import __version__
from lookalike.engine import Engine
from lookalike.serve.errors import install_handlers
from lookalike.serve.pages import add_page
from lookalike.serve.routes import ROUTERS
from lookalike.serve.schemas import ErrorBody
from lookalike.serve.settings import ServeSettings
from lookalike.serve.state import State

__all__ = ["API", "create_app"]

API = "/api/v1"


def create_app(engine: Engine | str | Path, settings: ServeSettings | None = None) -> FastAPI:
    """Return the service of an engine.

    Args:
        engine: opened, or its directory; the service opens it anew when it changes.
        settings: of the service.

    Raises:
        EngineError: there is no engine, or none that can be searched.
    """
    state = State(engine, settings or ServeSettings())
    app = FastAPI(
        title="Lookalike",
        version=__version__,
        description="Visual search over one gallery of pictures.",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        responses={422: {"model": ErrorBody}},
    )
    app.state.lookalike = state
    install_handlers(app, state.roots)
    for router in ROUTERS:
        app.include_router(router, prefix=API)
    add_page(app)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state: State = app.state.lookalike
    tasks = [asyncio.create_task(state.warm()), asyncio.create_task(state.follow())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        state.close()
