"""`lookalike serve`. Heavy imports wait inside."""

from __future__ import annotations

import os
import secrets
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Optional
from urllib.parse import urlsplit

import typer

from lookalike.cli import options as o
from lookalike.cli.app import app
from lookalike.cli.show import print_json, program_name

if TYPE_CHECKING:
    from lookalike.serve import ServeSettings

__all__ = ["serve"]

# Seconds that what is under way may take once the service has stopped.
_PATIENCE = 5.0


@app.command()
def serve(
    engine: o.EnginePath,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen at; 0.0.0.0 lets in other machines of your network that know "
            "the token."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes any that is free.")] = 8000,
    token: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            envvar="LOOKALIKE_TOKEN",
            help="What callers must know, as a header or by opening /?token=TOKEN.  [default: "
            "none for this machine, a new one at each start for others]",
            show_default=False,
        ),
    ] = None,
    allow_host: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(metavar="NAME", help="A further name of this service; may be repeated."),
    ] = None,
    allow_origin: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            metavar="URL", help="Another server whose pages may use this one; may be repeated."
        ),
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in a browser.")
    ] = False,
    device: o.Device = "auto",
    as_json: o.Json = False,
) -> None:
    """Serve an engine: a page to search with, and a REST API."""
    from lookalike.engine import open_engine
    from lookalike.serve import ServeSettings
    from lookalike.serve import serve as run
    from lookalike.serve.settings import is_loopback

    made = secrets.token_hex(16) if token is None and not is_loopback(host) else None
    settings = ServeSettings(
        host=host,
        port=port,
        token=made if token is None else token,
        allow_hosts=tuple(allow_host or ()),
        allow_origins=tuple(allow_origin or ()),
    )

    def started(address: str) -> None:
        if as_json:
            print_json({"engine": str(engine), "address": address, "token": made})
        else:
            typer.echo(f"lookalike: serving {engine} at {address} (Ctrl-C stops)", err=True)
            for line in _way_there(engine, settings, address, made):
                typer.echo(f"  {line}", err=True)
        if open_page:
            typer.launch(address)

    try:
        run(open_engine(engine, device=device), settings, on_start=started)
    except KeyboardInterrupt:  # before it served
        typer.echo("lookalike: stopped", err=True)
        raise typer.Exit(130) from None
    typer.echo("lookalike: stopped", err=True)
    _leave()


def _way_there(
    engine: Path, settings: ServeSettings, address: str, made: str | None
) -> Sequence[str]:
    """Say how other machines come to the service; `made` is a token that nobody else knows yet."""
    from lookalike.serve.reaching import link
    from lookalike.serve.settings import is_loopback

    if is_loopback(settings.host):
        if settings.token or settings.allow_hosts:  # whoever gives these knows the way
            return ()
        again = f"{program_name()} serve {quote(str(engine))} --host 0.0.0.0"
        return (f"for others in your network: {again}",)
    firewall = f"if it does not open there, let port {urlsplit(address).port} through the firewall"
    if made is None:
        return ("others open this address and are asked for the token", firewall)
    return (
        f"open, here and on other machines of your network: {link(address, made)}",
        "whoever has this link sees the pictures; the next start makes another, --token keeps one",
        firewall,
    )


def _leave() -> None:
    """End although something that takes long may be under way: nobody waits for it any more."""
    until = time.monotonic() + _PATIENCE
    others = [one for one in threading.enumerate() if one is not threading.current_thread()]
    for thread in others:
        if not thread.daemon:
            thread.join(max(0.0, until - time.monotonic()))
    if any(thread.is_alive() and not thread.daemon for thread in others):
        sys.stderr.flush()
        os._exit(0)
