"""The service as a whole: what it says of itself, and that nothing makes it fail."""

from __future__ import annotations

import contextlib
import os
import re
import shutil

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from starlette.testclient import TestClient

from lookalike.serve import ServeSettings, create_app

API = "/api/v1"
# Of each operation, right and wrong; more by this variable.
EXAMPLES = int(os.environ.get("LOOKALIKE_FUZZ", "8"))


def test_what_the_engine_holds(client):
    facts = client.get(f"{API}/engine").json()
    assert (facts["name"], facts["pictures"], facts["preset"]) == ("photos", 36, "twin")
    assert facts["labels"] == [
        {"label": name, "count": 12} for name in ("disc", "square", "stripes")
    ]
    assert [one["folder"] for one in facts["folders"]] == ["disc", "square", "stripes"]
    assert facts["size"] == {
        "min_width": 48, "max_width": 48, "min_height": 48, "max_height": 48,
    }  # fmt: skip
    assert 0 < facts["balance"]["natural"] < 1
    assert facts["decodes"]
    assert facts["sentence"]


def test_health_readiness_and_figures(client):
    for prefix in ("", API):
        assert client.get(f"{prefix}/health").json() == {"status": "ok"}
        assert client.get(f"{prefix}/ready").json()["status"] in ("ready", "unavailable")
    client.get(f"{API}/pictures/3")
    text = client.get("/metrics").text
    assert re.search(
        r'lookalike_requests_total\{method="GET",route=.*picture.*status="200"\}', text
    )
    assert "lookalike_pictures 36.0" in text
    assert "process_resident_memory_bytes" in text
    assert "/pictures/3" not in text


def test_it_is_not_ready_before_it_is(engine_path):
    app = create_app(engine_path, ServeSettings())
    unready = TestClient(app, base_url="http://localhost")  # never started
    answer = unready.get("/ready")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert unready.get("/health").status_code == 200
    app.state.lookalike.close()


def test_the_page_and_what_it_is_made_of(client):
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    assert "<script>" not in page.text
    assert not re.search(r"\son\w+=|style=|javascript:|https?://(?!www\.w3\.org)", page.text)
    style = re.search(r"/static/css/login.css\?v=(\w+)", client.get("/static/login.html").text)
    assert style is not None
    known = client.get(f"/static/css/login.css?v={style[1]}")
    assert known.headers["content-type"].startswith("text/css")
    assert "immutable" in known.headers["cache-control"]
    assert client.get("/static/css/login.css?v=other").headers["cache-control"] == "no-cache"


def test_the_description_of_the_api_needs_nothing_from_elsewhere(client):
    page = client.get("/docs")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    description = client.get("/openapi.json").json()
    assert description["info"]["title"] == "Lookalike"
    assert all(path.startswith(API) for path in description["paths"])
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], f"{method} {path}"
            assert operation["description"], f"{method} {path}"


@pytest.fixture
def copied(engine_path, tmp_path):
    """A service whose engine may be changed; it is started by who asks."""
    place = tmp_path / "e.lookalike"
    shutil.copytree(engine_path, place)
    return create_app(place, ServeSettings(requests=0, allow_hosts=("testserver",)))


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_makes_it_fail(copied, mode):
    """Requests made up from the service's own description, right and wrong ones."""
    description = schemathesis.openapi.from_asgi("/openapi.json", copied)
    asked = 0
    for found in description.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES, derandomize=True, database=None, deadline=None,
            phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(operation.as_strategy(generation_mode=mode))
        def ask(case):
            nonlocal asked
            asked += 1
            answer = case.call()
            assert answer.status_code < 500, f"{case.method} {case.path}: {answer.text}"
            assert answer.status_code not in (403, 421)
            if answer.status_code >= 400:
                assert answer.json()["error"]["message"]

        with contextlib.suppress(Unsatisfiable):  # no wrong request can be made of some
            ask()
    assert asked > 60
