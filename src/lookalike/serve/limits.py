"""How much one client, and all of them, may ask for at a time."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookalike.images.limits import say_bytes
from lookalike.serve.errors import problem
from lookalike.serve.settings import ServeSettings

__all__ = ["RateLimit", "UnderWay"]

# Small copies and the page's own files come by the hundred, and cost little.
_CHEAP = 0.1
# Clients that are remembered.
_CLIENTS = 10_000
# That a client may take between two parts of what it sends.
_BODY_SECONDS = 30.0
# What a form has around the picture that it uploads; what other requests may hold.
_AROUND = 200_000
_JSON_BYTES = 1_000_000
# Of a length: one of more is too large in any case.
_DIGITS = 18
# Whoever asks whether the service lives is answered, however much it has to do.
_ALWAYS = ("/health", "/api/v1/health")
_TOO_MUCH = "too much to do right now: try again"


class RateLimit:
    """Lets each client make so many requests in a second, and some more at once.

    Args:
        app: what answers.
        settings: of the service.
        clock: seconds that only rise.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ServeSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._rate, self._burst = settings.requests, float(settings.burst)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or say when to come again."""
        if scope["type"] == "http" and self._rate and scope["path"] not in _ALWAYS:
            wait = self._take(scope)
            if wait:
                refusal = problem(429, "too many requests: slow down", "busy", math.ceil(wait))
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _take(self, scope: Scope) -> float:
        """Count a request; return the seconds to wait where it is one too many."""
        client, now = (scope.get("client") or ("",))[0], self._clock()
        left, last = self._left.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - last) * self._rate)
        cost = _CHEAP if _is_cheap(scope["path"]) else 1.0
        enough = left >= cost
        self._left[client] = (left - cost if enough else left, now)
        if len(self._left) > _CLIENTS:
            self._left.popitem(last=False)
        return 0.0 if enough else (cost - left) / self._rate


class UnderWay:
    """Bounds the requests under way, their size, and the time that sending one may take.

    What all of them have sent is bounded too: it lies in memory, or in temporary files, until each
    is answered.

    Args:
        app: what answers.
        settings: of the service.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        self._app = app
        self._most = settings.connections
        self._uploads = settings.upload_bytes + _AROUND
        self._room = max(settings.body_bytes, self._uploads)
        self._now = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or say that there is too much to do."""
        if scope["type"] != "http" or scope["path"] in _ALWAYS:
            await self._app(scope, receive, send)
            return
        most, length = self._uploads if _is_form(scope) else _JSON_BYTES, _length(scope)
        if length > most:
            await problem(413, _too_large(most))(scope, receive, send)
        elif self._now >= self._most or length > self._room:
            await problem(429, _TOO_MUCH, "busy", 1)(scope, receive, send)
        else:
            await self._answer(scope, receive, send, most)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, most: int) -> None:
        held = 0

        def take(size: int) -> None:
            nonlocal held
            if size > self._room:
                raise HTTPException(429, _TOO_MUCH, {"Retry-After": "1"})
            self._room -= size
            held += size

        self._now += 1
        try:
            await self._app(scope, _bounded(receive, most, take), send)
        finally:
            self._now -= 1
            self._room += held


def _bounded(receive: Receive, most: int, take: Callable[[int], None]) -> Receive:
    """Return what gives up on a body that does not go on, or not end; `take` is told its parts."""
    ended, size = False, 0

    async def part() -> Message:
        nonlocal ended, size
        if ended:  # what comes now is that the client has gone: that may take as long as it likes
            return await receive()
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                message = await receive()
        except TimeoutError:
            message = {"type": "http.disconnect"}
        ended = message["type"] != "http.request" or not message.get("more_body", False)
        size += len(message.get("body", b""))
        if size > most:
            raise HTTPException(413, _too_large(most))
        take(len(message.get("body", b"")))
        return message

    return part


def _is_form(scope: Scope) -> bool:
    return Headers(scope=scope).get("content-type", "").lower().startswith("multipart/form-data")


def _length(scope: Scope) -> int:
    given = Headers(scope=scope).get("content-length", "")
    return int(given[:_DIGITS]) if given.isascii() and given.isdecimal() else 0


def _too_large(most: int) -> str:
    return f"the request is too large: up to {say_bytes(most)} are taken"


def _is_cheap(path: str) -> bool:
    return path.endswith("/thumbnail") or path.startswith("/static/")
