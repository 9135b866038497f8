"""Services over the small engine, and pictures to bring to them."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from drawing import draw_picture
from starlette.testclient import TestClient

from lookalike.serve import ServeSettings, create_app

Serving = Callable[..., TestClient]


@pytest.fixture
def serving(engine_path: Path) -> Iterator[Serving]:
    """Gives clients of services, each of settings of its own."""
    with ExitStack() as stack:

        def start(engine: Path | None = None, **settings: Any) -> TestClient:
            app = create_app(engine or engine_path, ServeSettings(**settings))
            return stack.enter_context(TestClient(app, base_url="http://localhost"))

        yield start


@pytest.fixture(scope="session")
def client(engine_path: Path) -> Iterator[TestClient]:
    """A client of a service that nobody changes."""
    app = create_app(engine_path, ServeSettings(requests=0))
    with TestClient(app, base_url="http://localhost") as made:
        yield made


def png(kind: str, number: int, size: int = 48) -> bytes:
    file = io.BytesIO()
    draw_picture(kind, number, size).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def picture() -> bytes:
    """A picture that the gallery does not hold."""
    return png("disc", 77)


@pytest.fixture
def place(photos: Path, engine_path: Path, tmp_path: Path) -> Path:
    """An engine and its folder `photos` beside it, both free to be changed."""
    shutil.copytree(photos, tmp_path / "photos")
    made = tmp_path / "e.lookalike"
    shutil.copytree(engine_path, made, ignore=shutil.ignore_patterns("spectral"))
    manifest = made / "manifest.json"
    manifest.write_text(manifest.read_text().replace(str(photos), str(tmp_path / "photos")))
    return made
