"""Running the service until it is told to stop."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import uvicorn

from lookalike.engine import Engine
from lookalike.errors import ServiceError
from lookalike.serve.app import create_app
from lookalike.serve.reaching import network_address, web_address
from lookalike.serve.settings import ServeSettings

__all__ = ["serve"]


def serve(
    engine: Engine | str | Path,
    settings: ServeSettings | None = None,
    *,
    on_start: Callable[[str], None] | None = None,
) -> None:
    """Serve an engine until Ctrl-C or a signal to end.

    Args:
        engine: opened, or its directory.
        settings: of the service.
        on_start: told the address once the server listens there.

    Raises:
        EngineError: there is no engine.
        ServiceError: nobody can listen at this address.
    """
    settings = settings or ServeSettings()
    app = create_app(engine, settings)
    listener = _listen(settings)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_seconds)),
    )
    if on_start is not None:
        on_start(web_address(network_address(settings), listener.getsockname()[1]))
    with listener, suppress(KeyboardInterrupt):
        _Server(config, app.state.lookalike.jobs.leave).run([listener])


class _Server(uvicorn.Server):
    """A server that tells at once when it is to stop.

    Args:
        config: of the server.
        on_stop: ends answers that go on and on, as those that follow a job: else the server would
            wait for them.
    """

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal to end."""
        self._on_stop()
        super().handle_exit(sig, frame)


def _listen(settings: ServeSettings) -> socket.socket:
    """Return a socket that listens; a port that is taken is said to be."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(socket.SOMAXCONN)
    except OSError as error:
        listener.close()
        where = f"{settings.host}:{settings.port}"
        if error.errno == errno.EADDRINUSE:
            raise ServiceError(
                f"{where} is taken by another program: wanted a free port, as --port "
                f"{settings.port + 1 if settings.port < 65_535 else 0} (0 takes any)"
            ) from error
        raise ServiceError(
            f"cannot listen at {where}: {(error.strerror or 'error').lower()}"
        ) from error
    return listener
