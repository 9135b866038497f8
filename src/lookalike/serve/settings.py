"""What a service may do, and how much of it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from lookalike.errors import SettingsError

__all__ = ["ServeSettings", "is_loopback"]

# A token that can be guessed protects nothing.
_SHORTEST_TOKEN = 8


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens at `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked_host(host: str) -> str:
    name = host.lower().strip("[]")
    port = name.rpartition(":")[2] if name.count(":") == 1 else ""
    if not name or "/" in name or port or set(name) & set(" @?#*"):
        raise SettingsError(
            f"allowed host is {host!r}: wanted a name or an address alone, as photos.example.org"
        )
    return name


def _checked_origin(origin: str) -> str:
    small = origin.lower()
    parts = urlsplit(small)
    if parts.scheme not in ("http", "https") or small != f"{parts.scheme}://{parts.netloc}":
        raise SettingsError(f"allowed origin is {origin!r}: wanted one as https://example.org")
    usual = {"http": ":80", "https": ":443"}[parts.scheme]
    return small.removesuffix(usual)  # which browsers leave out


@dataclass(frozen=True)
class ServeSettings:
    """How an engine is served.

    Attributes:
        host: the address to listen at; any but this machine's own needs a token.
        port: to listen at; 0 takes any that is free.
        token: what a caller must know; None for no token.
        allow_hosts: further names under which the server may be called, beside `host`.
        allow_origins: pages of other servers that may use this one, as "https://example.org".
        upload_bytes: size of one uploaded picture.
        upload_pixels: width × height that it may claim.
        upload_seconds: that decoding it may take.
        body_bytes: that all requests under way may have sent, together; one largest upload fits in
            any case.
        kept_bytes: uploaded pictures that are kept for further searches, all together.
        thumbnail_bytes: small copies that are kept in memory, all together.
        threads: that read and decode pictures.
        queue: requests that may wait for each kind of work; one more is told to come back.
        requests: that one client may make in a second, on average; 0 for any number.
        burst: that it may make at once.
        connections: requests under way at a time, of all clients.
        shutdown_seconds: that requests under way may take once the server is to stop.

    Raises:
        SettingsError: a value is out of range, or the host needs a token.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    allow_hosts: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    upload_bytes: int = 50_000_000
    upload_pixels: int = 128_000_000
    upload_seconds: float = 15.0
    body_bytes: int = 512_000_000
    kept_bytes: int = 256_000_000
    thumbnail_bytes: int = 64_000_000
    threads: int = 4
    queue: int = 128
    requests: float = 1_000.0
    burst: int = 3_000
    connections: int = 512
    shutdown_seconds: float = 5.0

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_token()
        # Browsers send both in small letters.
        object.__setattr__(self, "allow_hosts", tuple(map(_checked_host, self.allow_hosts)))
        object.__setattr__(self, "allow_origins", tuple(map(_checked_origin, self.allow_origins)))

    def _check_numbers(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise SettingsError(f"port is {self.port}: wanted 0 (any) to 65535")
        least = {
            "upload_bytes": 1, "upload_pixels": 1, "upload_seconds": 0.1, "body_bytes": 0,
            "kept_bytes": 0, "thumbnail_bytes": 0, "threads": 1, "queue": 1, "requests": 0,
            "burst": 1, "connections": 1, "shutdown_seconds": 0,
        }  # fmt: skip
        for name, fewest in least.items():
            value = getattr(self, name)
            if not value >= fewest:
                raise SettingsError(f"{name} is {value}: wanted {fewest} or more")

    def _check_token(self) -> None:
        if self.token is not None and (
            len(self.token) < _SHORTEST_TOKEN
            or not (self.token.isascii() and self.token.isprintable())
            or set(self.token) & set(' ",;\\')
        ):
            raise SettingsError(
                f"the token must have {_SHORTEST_TOKEN} or more letters or digits, without spaces: "
                "wanted a longer one that nobody guesses"
            )
        if self.token is None and not is_loopback(self.host):
            raise SettingsError(
                f"{self.host} can be reached from other machines: give a token (--token) that "
                "callers must know, or serve at 127.0.0.1"
            )
