"""The page that asks for the token, and what becomes of its form."""

from __future__ import annotations

import asyncio
from html import escape
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from lookalike.serve.pages import PageFile
from lookalike.serve.security import WRONG_TOKEN_SECONDS, is_token, local_address, log_in

__all__ = ["login_page", "login_router"]

_MOST = 4_096


def login_router(token: str | None, page: PageFile) -> APIRouter:
    """Return what answers at /login.

    Args:
        token: what has to be known; None lets everybody on.
        page: that asks for it.
    """
    router = APIRouter(include_in_schema=False, max_body_size=_MOST)

    @router.get("/login")
    async def ask() -> Response:
        if token is None:
            return RedirectResponse("/", 303)
        return login_page(page, "/")

    @router.post("/login")
    async def given(request: Request) -> Response:
        values = parse_qs((await request.body()).decode("utf-8", "replace"))
        address = local_address(values.get("next", ["/"])[0])
        if token is None:
            return RedirectResponse(address, 303)
        if is_token(values.get("token", [""])[0], token):
            return log_in(request.scope, token, address)
        await asyncio.sleep(WRONG_TOKEN_SECONDS)
        return login_page(page, address)

    return router


def login_page(page: PageFile, address: str) -> Response:
    """Return the page that asks for the token and then goes on to an address of this service."""
    html = page.data.replace(b"NEXT", escape(address, quote=True).encode())
    return Response(html, 401, media_type="text/html", headers={"Cache-Control": "no-store"})
