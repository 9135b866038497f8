"""`lookalike serve`. Heavy imports wait inside."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Annotated, Optional

import typer

from lookalike.cli import options as o
from lookalike.cli.app import app
from lookalike.cli.show import print_json

__all__ = ["serve"]

# Seconds that what is under way may take once the service has stopped.
_PATIENCE = 5.0


@app.command()
def serve(
    engine: o.EnginePath,
    host: Annotated[
        str, typer.Option(help="Address to listen at; others than this machine's need --token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes any that is free.")] = 8000,
    token: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            envvar="LOOKALIKE_TOKEN",
            help="What callers must know, as a header or by opening /?token=TOKEN.",
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

    settings = ServeSettings(
        host=host,
        port=port,
        token=token,
        allow_hosts=tuple(allow_host or ()),
        allow_origins=tuple(allow_origin or ()),
    )

    def started(address: str) -> None:
        if as_json:
            print_json({"engine": str(engine), "address": address})
        else:
            typer.echo(f"lookalike: serving {engine} at {address} (Ctrl-C stops)", err=True)
        if open_page:
            typer.launch(address)

    try:
        run(open_engine(engine, device=device), settings, on_start=started)
    except KeyboardInterrupt:  # before it served
        typer.echo("lookalike: stopped", err=True)
        raise typer.Exit(130) from None
    typer.echo("lookalike: stopped", err=True)
    _leave()


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
