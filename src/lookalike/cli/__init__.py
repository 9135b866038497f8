"""The command line: parse, make one call, print."""

from __future__ import annotations

import io
import sys

from lookalike.errors import LookalikeError, TrainingStopped
from lookalike.storage import STORAGE_ERRNOS

__all__ = ["main"]


def main() -> None:
    """Run the command line; exit 0, 1 on an error, 2 on wrong usage, 130 when stopped."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a folder's name may hold bytes of any sort
        sys.stdout.reconfigure(errors="backslashreplace")
    from lookalike.cli.app import with_one_command
    from lookalike.cli.commands import app

    try:
        with_one_command(app, sys.argv[1:])()
    except TrainingStopped as stop:
        _fail(stop, 130)
    except LookalikeError as error:
        _fail(error, 1)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone: nothing is left to say
        sys.exit(1)
    except OSError as error:
        if error.errno not in STORAGE_ERRNOS:
            raise
        _fail(error, 1)


def _fail(error: Exception, code: int) -> None:
    message = " ".join(str(error).split())
    sys.stderr.write(f"lookalike: {message}\n")
    sys.exit(code)
