from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from lookalike.errors import (
    EngineError,
    GalleryError,
    LookalikeError,
    PictureError,
    QueryError,
    SettingsError,
    StorageError,
)
from lookalike.serve.errors import Refusal, problem_of, without_paths


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the gallery at /home/me/a.lookalike/gallery is damaged", "the gallery at … is damaged"),
        ("cannot read /tmp/x: gone\nin line 2", "cannot read …: gone in line 2"),
        ("run `lookalike index /srv/my photos/e`", "run `lookalike index …`"),
        (r"C:\Users\me\a.png is gone", "… is gone"),
        ("'/etc/passwd' and (/etc/shadow)", "'…' and (…)"),
        ("wanted 1/2 or n/a, as in disc/00.png", "wanted 1/2 or n/a, as in disc/00.png"),
        ("see https://example.org/a/b", "see https://example.org/a/b"),
    ],
)
def test_paths_of_the_host_are_taken_out(text, shown):
    assert without_paths(text, [Path("/srv/my photos"), Path("/")]) == shown


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (PictureError("x"), 422),
        (QueryError("x"), 422),
        (SettingsError("x"), 422),
        (EngineError("x"), 409),
        (GalleryError("x"), 503),
        (StorageError("x"), 503),
        (LookalikeError("x"), 409),
        (Refusal(429, "x", retry_after=3), 429),
    ],
)
def test_every_error_is_an_answer(error, status):
    answer = problem_of(error)
    assert answer.status_code == status
    assert json.loads(answer.body)["error"]["message"] == "x"
    assert answer.headers.get("retry-after") == {503: "1", 429: "3"}.get(status)


def test_what_nobody_expected_is_told_to_nobody(serving, monkeypatch):
    client = TestClient(serving().app, base_url="http://localhost", raise_server_exceptions=False)

    def broken(*_):
        raise RuntimeError("a secret of /home/me")

    monkeypatch.setattr("lookalike.serve.routes.engine.engine_facts", broken)
    answer = client.get("/api/v1/engine")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (500, "fault")
    assert "secret" not in answer.text
