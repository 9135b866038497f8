"""The application that the commands join."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Annotated

import typer
from typer.main import get_command_name

__all__ = ["app", "with_one_command"]

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


def with_one_command(app: typer.Typer, arguments: Sequence[str]) -> typer.Typer:
    """Return the application with no other command than the one that is asked for, if one is.

    typer reads the options of all commands to run one, which takes longer than a query does.
    """
    asked = [
        command
        for command in app.registered_commands
        if command.callback is not None
        and arguments[:1] == [command.name or get_command_name(command.callback.__name__)]
    ]
    if not asked:
        return app
    one = copy(app)
    one.registered_commands = asked
    return one
