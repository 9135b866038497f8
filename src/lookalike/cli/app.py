"""The application that the commands join."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Turn a folder of pictures into a visual search engine trained on those pictures.",
)


def _version(asked: bool) -> None:
    if asked:
        from lookalike import __version__

        typer.echo(f"lookalike {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Turn a folder of pictures into a visual search engine trained on those pictures."""
