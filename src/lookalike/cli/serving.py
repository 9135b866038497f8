"""`lookalike serve`. Heavy imports wait inside."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from lookalike.cli import options as o
from lookalike.cli.app import app

__all__ = ["serve"]


@app.command()
def serve(
    engine: o.EnginePath,
    host: Annotated[
        str, typer.Option(help="Address to listen at; others than this machine's need --token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes any that is free.")] = 8000,
    token: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="What callers must know, as a header or by opening /?token=TOKEN."),
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
        typer.echo(f"lookalike: serving {engine} at {address} (Ctrl-C stops)", err=True)
        if open_page:
            typer.launch(address)

    run(open_engine(engine, device=device), settings, on_start=started)
    typer.echo("lookalike: stopped", err=True)
