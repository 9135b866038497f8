"""Errors as answers: which status, which words; never a path of the host."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from lookalike.errors import (
    EngineError,
    GalleryError,
    IntakeError,
    LookalikeError,
    PictureError,
    QueryError,
    ServiceError,
    SettingsError,
    StorageError,
    UnreadableQueryError,
)

__all__ = ["Refusal", "install_handlers", "kind_of", "problem", "problem_of", "without_paths"]

# A path of the host: from a slash, or a drive, on. What a message quotes or brackets ends it.
_PATH = re.compile(r"(?<![\w.:/@])(?:[A-Za-z]:)?[/\\][^\s'\"`():,;]+")

_STATUS: tuple[tuple[type[LookalikeError], int, str], ...] = (
    (UnreadableQueryError, 422, "unreadable"),
    (PictureError, 422, "unreadable"),
    (QueryError, 422, "query"),
    (SettingsError, 422, "settings"),
    (GalleryError, 503, "gallery"),
    (EngineError, 409, "engine"),
    (StorageError, 503, "storage"),
    (IntakeError, 503, "intake"),
)
_KINDS = {
    400: "request", 401: "token", 403: "forbidden", 404: "missing", 405: "method", 409: "engine",
    410: "gone", 413: "too_large", 415: "type", 421: "host", 422: "request", 429: "busy",
    500: "fault", 503: "unavailable",
}  # fmt: skip


class Refusal(ServiceError):
    """A request that is not answered, and what the caller is told.

    Attributes:
        status: of HTTP.
        kind: a word for programs.
        retry_after: seconds after which another try makes sense; None where none does.
    """

    def __init__(self, status: int, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = _KINDS.get(status, "request")
        self.retry_after = retry_after


def without_paths(text: str, roots: Sequence[Path] = ()) -> str:
    """Return a message on one line, without paths of the host.

    Args:
        text: the message.
        roots: folders whose names are taken out first, as they may hold blanks.

    >>> without_paths("the gallery at /home/me/a.lookalike/gallery is damaged")
    'the gallery at … is damaged'
    """
    for root in sorted(map(str, roots), key=len, reverse=True):
        if len(root) > 1:
            text = text.replace(root, "…")
    return " ".join(_PATH.sub("…", re.sub(r"…[^\s'\"`():,;]*", "…", text)).split())


def problem(
    status: int, message: str, kind: str | None = None, retry_after: int | None = None
) -> JSONResponse:
    """Return the answer that says what is wrong."""
    body = {"error": {"kind": kind or _KINDS.get(status, "request"), "message": message}}
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse(body, status, headers)


def problem_of(error: LookalikeError, roots: Sequence[Path] = ()) -> JSONResponse:
    """Return the answer to a request that an error ended."""
    message = without_paths(str(error), roots)
    if isinstance(error, Refusal):
        return problem(error.status, message, error.kind, error.retry_after)
    for kind, status, word in _STATUS:
        if isinstance(error, kind):
            return problem(status, message, word, 1 if status == 503 else None)
    return problem(409, message, "engine")


def kind_of(error: LookalikeError) -> str:
    """Return the word for programs that says what an error is about."""
    if isinstance(error, Refusal):
        return error.kind
    return next((word for kind, _, word in _STATUS if isinstance(error, kind)), "engine")


def install_handlers(app: FastAPI, roots: Callable[[], Sequence[Path]]) -> None:
    """Make every error of an app an answer of one form.

    Args:
        app: the service.
        roots: says which folders' names no answer may hold.
    """

    async def known(_: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, LookalikeError):
            raise error
        return problem_of(error, roots())

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, RequestValidationError):
            raise error
        return problem(422, without_paths(_first(error)), "request")

    async def refused(_: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, HTTPException):
            raise error
        answer = problem(error.status_code, without_paths(str(error.detail)))
        answer.headers.update(error.headers or {})
        return answer

    async def broken(_: Request, error: Exception) -> JSONResponse:
        # Who runs the service is shown the error; what it says is for nobody else.
        del error
        return problem(500, "something went wrong here: the service's own output says what")

    app.add_exception_handler(Exception, broken)
    app.add_exception_handler(LookalikeError, known)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, refused)


def _first(error: RequestValidationError) -> str:
    """Return where a request is wrong, and why."""
    for one in error.errors():
        where = ".".join(str(part) for part in one["loc"])
        return f"{where}: {one['msg']}"
    return "the request is not understood"
