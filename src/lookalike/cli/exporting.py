"""The command that writes an encoder for other programs. Heavy imports wait inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from lookalike.cli import options as o
from lookalike.cli.app import app
from lookalike.cli.show import print_json, print_lines

__all__ = ["export"]


@app.command()
def export(
    engine: o.EnginePath,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", "-o", help="The ONNX file.  [default: the engine's name .onnx]"),
    ] = None,
    int8: Annotated[
        bool,
        typer.Option("--int8", help="Compute in 8 bits, and say what that does to the neighbours."),
    ] = False,
    as_json: o.Json = False,
) -> None:
    """Write the encoder as one ONNX file: pixels in, embeddings out."""
    from lookalike.engine import open_engine

    exported = open_engine(engine, device="cpu").export(output, int8=int8)
    if as_json:
        print_json(exported.as_dict())
    else:
        print_lines(exported.lines())
