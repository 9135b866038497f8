"""What a link must hold that is sent to another machine."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from lookalike.serve.reaching import network_address, web_address
from lookalike.serve.settings import ServeSettings, is_loopback
from lookalike.serve.state import StateOf

__all__ = ["router"]

router = APIRouter(tags=["service"])


class Reach(BaseModel):
    """What a link must hold that is sent to another machine."""

    address: str | None = Field(
        description="Where other machines find the service; null where it listens to this machine "
        "alone, or is known under names of its own."
    )
    names: list[str] = Field(description="The names that it is allowed to be called by.")
    token: str | None = Field(description="What callers must know; null where they need not.")


@router.get("/reach")
async def reach(request: Request, state: StateOf) -> Reach:
    """Say where other machines find the service, and the token, to whoever has it already."""
    settings = state.settings
    server = request.scope.get("server")
    port = server[1] if server and server[1] else settings.port
    return Reach(
        address=await state.work.run(_address, settings, port),
        names=list(settings.allow_hosts),
        token=settings.token,
    )


def _address(settings: ServeSettings, port: int) -> str | None:
    # What has names of its own may stand behind a proxy, whose port is not this one.
    if is_loopback(settings.host) or settings.allow_hosts:
        return None
    return web_address(network_address(settings), port)
