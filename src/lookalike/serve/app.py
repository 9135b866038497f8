"""The service as an ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from lookalike import __version__
from lookalike.engine import Engine
from lookalike.serve.errors import install_handlers
from lookalike.serve.limits import RateLimit, UnderWay
from lookalike.serve.login import login_page, login_router
from lookalike.serve.metrics import Measured, Metrics
from lookalike.serve.pages import PageFile, add_page, read_page
from lookalike.serve.routes import ROUTERS, health
from lookalike.serve.schemas import ErrorBody
from lookalike.serve.searching import answer_all
from lookalike.serve.security import HostCheck, OriginCheck, SafeHeaders, TokenCheck
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
    settings = settings or ServeSettings()
    state, page = State(engine, settings, answer_all), read_page()
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
    app.state.metrics = Metrics(state)
    install_handlers(app, lambda: state.roots)
    for router in ROUTERS:
        app.include_router(router, prefix=API)
    app.include_router(health.router, include_in_schema=False)
    app.include_router(login_router(settings.token, page["login.html"]))
    add_page(app, page)
    _guard(app, settings, page["login.html"])
    return app


def _guard(app: FastAPI, settings: ServeSettings, login: PageFile) -> None:
    """Put what refuses before what answers; what is added last is asked first."""
    if settings.token is not None:
        app.add_middleware(TokenCheck, token=settings.token, login_page=partial(login_page, login))
    app.add_middleware(UnderWay, settings=settings)
    app.add_middleware(RateLimit, settings=settings)
    if settings.allow_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allow_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
        )
    app.add_middleware(OriginCheck, settings=settings)
    app.add_middleware(HostCheck, settings=settings)
    app.add_middleware(Measured, metrics=app.state.metrics)
    app.add_middleware(SafeHeaders, settings=settings)


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
