"""Who may call, from where, and what a browser may do with the answer."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookalike.serve.errors import problem
from lookalike.serve.settings import ServeSettings, is_loopback

__all__ = [
    "WRONG_TOKEN_SECONDS",
    "HostCheck",
    "OriginCheck",
    "SafeHeaders",
    "TokenCheck",
    "cookie_name",
    "is_token",
    "local_address",
    "log_in",
]

_COOKIE = "lookalike"

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    # Without a referrer at all browsers send a form's origin as "null", which is refused here.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# What needs no token: whether the service lives, and what the page to log in is made of.
_OPEN = ("/health", "/ready", "/api/v1/health", "/api/v1/ready", "/login")
_OPEN_BELOW = "/static/"
WRONG_TOKEN_SECONDS = 0.5
_READING = ("GET", "HEAD", "OPTIONS")


class SafeHeaders:
    """Tells browsers to run nothing from elsewhere, and to guess nothing.

    Args:
        app: what answers.
        settings: of the service.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        self._app = app
        self._headers = dict(_HEADERS)
        if settings.allow_origins:
            self._headers["Cross-Origin-Resource-Policy"] = "cross-origin"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with these headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, answer)


class HostCheck:
    """Refuses calls by a name that is not this service's: another page's name may lead here.

    Where the service can be reached from other machines by names it does not know, the token
    does instead: a page of another name has no cookie for it.

    Args:
        app: what answers.
        settings: of the service.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        self._app = app
        own = {settings.host, *settings.allow_hosts, "localhost", "127.0.0.1", "::1"}
        strict = settings.token is None or is_loopback(settings.host) or settings.allow_hosts
        self._known = {one.lower().strip("[]") for one in own} if strict else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or say that this is somebody else's name."""
        if scope["type"] == "http" and self._known is not None:
            named = _host_name(Headers(scope=scope).get("host", ""))
            if named not in self._known:
                refusal = problem(421, "this service is not called by that name", "host")
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


class OriginCheck:
    """Refuses what pages of other servers ask for.

    Args:
        app: what answers.
        settings: of the service.
    """

    def __init__(self, app: ASGIApp, settings: ServeSettings) -> None:
        self._app = app
        self._allowed = frozenset(settings.allow_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or say that another server's page may not ask."""
        if scope["type"] == "http" and self._is_foreign(scope):
            refusal = problem(403, "pages of other servers may not use this service", "origin")
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_foreign(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        origin, reading = headers.get("origin"), scope["method"] in _READING
        if origin is not None and origin in self._allowed:
            return False
        if origin is not None and not reading:
            return _server_of(origin) != headers.get("host", "").lower()
        from_elsewhere = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        # A link that is followed shows its answer to the person, not to the page it was on.
        followed = reading and headers.get("sec-fetch-mode") == "navigate"
        return from_elsewhere and not followed


class TokenCheck:
    """Lets those in who know the token: in a header, a cookie, or once in the address.

    Args:
        app: what answers.
        token: the token.
        login_page: asks for it, then goes on to an address.
    """

    def __init__(self, app: ASGIApp, token: str, login_page: Callable[[str], Response]) -> None:
        self._app = app
        self._token = token
        self._login_page = login_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or ask for the token."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._is_in_address(scope):
            await log_in(scope, self._token, _without_token(scope))(scope, receive, send)
        elif self._may_pass(scope):
            await self._app(scope, receive, send)
        else:
            await (await self._refusal(scope))(scope, receive, send)

    def _may_pass(self, scope: Scope) -> bool:
        path = scope["path"]
        if path in _OPEN or path.startswith(_OPEN_BELOW):
            return True
        headers = Headers(scope=scope)
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and is_token(given.strip(), self._token):
            return True
        return is_token(_cookie(scope) or "", self._token)

    def _is_in_address(self, scope: Scope) -> bool:
        given = _query(scope).get("token")
        return scope["method"] == "GET" and given is not None and is_token(given, self._token)

    async def _refusal(self, scope: Scope) -> Response:
        if _gives_a_token(scope):
            await asyncio.sleep(WRONG_TOKEN_SECONDS)  # guessing takes its time
        if scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", ""):
            return self._login_page(_without_token(scope))
        refusal = problem(401, "a token is needed: send it as Authorization: Bearer TOKEN", "token")
        refusal.headers["WWW-Authenticate"] = "Bearer"
        return refusal


def is_token(given: str, token: str) -> bool:
    """Whether somebody knows the token; the time that this takes tells nothing."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def log_in(scope: Scope, token: str, address: str) -> Response:
    """Return the answer that makes a browser send the token from now on."""
    answer = RedirectResponse(address, 303)
    answer.set_cookie(
        cookie_name(scope),
        token,
        httponly=True,
        samesite="lax",
        secure=scope["scheme"] == "https",
        path="/",
    )
    return answer


def cookie_name(scope: Scope) -> str:
    """Return what the cookie with the token is called: `lookalike-PORT`.

    A browser sends a host's cookies to all its ports: services of one host would else sign each
    other's callers out.
    """
    _, port = scope.get("server") or (None, None)
    return _COOKIE if port is None else f"{_COOKIE}-{port}"


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


def _without_token(scope: Scope) -> str:
    """Return the address without the token: it must not stay in the address bar."""
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    rest = urlencode([(name, value) for name, value in pairs if name != "token"])
    path = quote(scope["path"])
    return local_address(f"{path}?{rest}" if rest else path)


def local_address(address: str) -> str:
    """Return an address of this service; two slashes would name another."""
    printable = "".join(one for one in address if one.isprintable())
    return "/" + printable.lstrip("/\\ ")


def _gives_a_token(scope: Scope) -> bool:
    given = "token" in _query(scope) or "authorization" in Headers(scope=scope)
    return given or _cookie(scope) is not None


def _cookie(scope: Scope) -> str | None:
    # The standard library's parser gives up at a cookie that another server of this host has set
    # and that it finds odd, as one that holds JSON.
    return cookie_parser(Headers(scope=scope).get("cookie", "")).get(cookie_name(scope))


def _server_of(origin: str) -> str | None:
    """Return the host and port of an origin; None for what is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # brackets that do not match
        return None


def _host_name(host: str) -> str:
    """Return a Host header without its port and brackets."""
    name = host.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.rpartition(":")[0] if name.count(":") == 1 else name
