"""The page: files beside this one, each under an address that changes with its content."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import Response

from lookalike.serve.errors import Refusal

__all__ = ["PAGE", "PageFile", "add_page", "read_page"]

PAGE = Path(__file__).parent / "page"
_IMPORT = re.compile(rb"""\b(?:from |import\(|import )"\.{1,2}/[\w./-]+\.js(?=")""")
_FOREVER = "public, max-age=31536000, immutable"
_KINDS = {
    ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml",
    ".json": "application/json", ".webmanifest": "application/manifest+json", ".png": "image/png",
    ".woff2": "font/woff2", ".txt": "text/plain", ".ico": "image/x-icon",
}  # fmt: skip


@dataclass(frozen=True)
class PageFile:
    """One file of the page.

    Attributes:
        data: its bytes.
        kind: their media type.
        digest: changes with all that the page is made of.
    """

    data: bytes
    kind: str
    digest: str


def read_page(folder: Path = PAGE) -> dict[str, PageFile]:
    """Return the files of the page by their names; `index.html` names the others' version."""
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in _KINDS
    }
    digest = hashlib.sha256(b"".join(found.values())).hexdigest()[:12]
    return {
        name: PageFile(_versioned(name, data, digest), _KINDS[Path(name).suffix], digest)
        for name, data in found.items()
    }


def _versioned(name: str, data: bytes, digest: str) -> bytes:
    """Let a text of the page name others by their version: `HASH` stands for it.

    Modules import others by their plain names; they too are asked for by version, so that a
    browser keeps them all until one changes.
    """
    if Path(name).suffix not in (".html", ".js", ".css"):
        return data
    version = b"?v=" + digest.encode()
    data = re.sub(rb"\?v=HASH\b", version, data)
    return _IMPORT.sub(rb"\g<0>" + version, data) if name.endswith(".js") else data


def add_page(app: FastAPI, files: dict[str, PageFile]) -> None:
    """Serve the page at /, the API's description at /docs, what they are made of at /static/."""

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        return _answer(files, "index.html", "no-cache")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return _answer(files, "docs.html", "no-cache")

    @app.get("/static/{name:path}", include_in_schema=False)
    async def static(request: Request, name: str) -> Response:
        known = name in files and request.query_params.get("v") == files[name].digest
        return _answer(files, name, _FOREVER if known else "no-cache")


def _answer(files: dict[str, PageFile], name: str, caching: str) -> Response:
    if name not in files:
        raise Refusal(404, "there is no such page")
    file = files[name]
    return Response(file.data, media_type=file.kind, headers={"Cache-Control": caching})
