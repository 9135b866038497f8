"""By which address other machines reach the service."""

from __future__ import annotations

import socket
from contextlib import suppress
from urllib.parse import urlencode

from lookalike.serve.settings import ServeSettings

__all__ = ["link", "listens_everywhere", "network_address", "web_address"]

# Addresses that are kept for examples: asking for the way there sends nothing.
_FAR_AWAY = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def listens_everywhere(host: str) -> bool:
    """Whether a server that listens at `host` answers at every address of its machine."""
    return host in ("0.0.0.0", "::")


def network_address(settings: ServeSettings) -> str:
    """Return a name or address by which other machines find the service.

    Args:
        settings: of a service that other machines can reach.

    Returns:
        The host it listens at; where that is every address of this machine, the first allowed
        host, else the address by which this machine reaches its network.
    """
    if not listens_everywhere(settings.host):
        return settings.host
    if settings.allow_hosts:
        return settings.allow_hosts[0]
    return _own_address(only_ipv4=settings.host == "0.0.0.0")


def web_address(host: str, port: int) -> str:
    """Return where a browser finds a host's port, as "http://192.0.2.7:8000/"."""
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def link(address: str, token: str) -> str:
    """Return an address that lets in whoever opens it."""
    return f"{address}?{urlencode({'token': token})}"


def _own_address(*, only_ipv4: bool) -> str:
    for family, far in _FAR_AWAY[:1] if only_ipv4 else _FAR_AWAY:
        # Without any network there is no way there.
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))
            return str(probe.getsockname()[0])
    return socket.gethostname()
