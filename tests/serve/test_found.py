"""Sync, map, duplicates, oddities, card and stats, asked for over HTTP."""

from __future__ import annotations

import io
import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawing import draw_picture
from PIL import Image
from starlette.testclient import TestClient

from lookalike.engine import Engine, sync_engine
from lookalike.engine.lock import writing
from lookalike.engine.manifest import Layout
from lookalike.engine.second_look import SecondLook
from lookalike.errors import EngineError
from lookalike.serve.mapping import POINT

API = "/api/v1"


def ended(client: TestClient, started: Any) -> dict[str, Any]:
    """The job that an answer names, once it has ended."""
    assert started.status_code == 202, started.text
    return ended_job(client, started.json()["job"])


def ended_job(client: TestClient, name: str) -> dict[str, Any]:
    """A job, once it has ended."""
    until = time.monotonic() + 60
    while True:
        job = client.get(f"{API}/jobs/{name}").json()
        if job["state"] != "working":
            return dict(job)
        assert time.monotonic() < until
        time.sleep(0.02)


def found(client: TestClient, path: str) -> dict[str, Any]:
    """What takes a job to find."""
    answer = client.get(API + path)
    if answer.status_code == 202:
        assert ended(client, answer)["state"] == "done"
        answer = client.get(API + path)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.fixture
def own(serving: Callable[..., TestClient], place: Path) -> TestClient:
    """A client of an engine that may be changed."""
    return serving(place, requests=0)


def ids(client: TestClient) -> dict[str, int]:
    pictures = client.get(f"{API}/pictures", params={"limit": 1000}).json()["pictures"]
    return {one["path"]: one["id"] for one in pictures}


def test_a_sync_is_a_job_and_the_service_takes_it_up(own: TestClient, place: Path):
    before = own.get(f"{API}/engine").json()
    draw_picture("disc", 90).save(place.parent / "photos" / "new.png")
    (place.parent / "photos" / "disc" / "00.png").unlink()
    job = ended(own, own.post(f"{API}/sync"))
    assert (job["kind"], job["state"], job["error"]) == ("sync", "done", None)
    assert (job["result"]["added"], job["result"]["removed"]) == (1, 1)
    after = own.get(f"{API}/engine").json()
    assert after["pictures"] == before["pictures"]
    assert after["gallery_version"] > before["gallery_version"]
    assert "new.png" in ids(own)
    assert own.get(f"{API}/jobs").json()["jobs"][0]["id"] == job["id"]


def test_events_over_http(own: TestClient):
    started = own.post(f"{API}/sync").json()["job"]
    with own.stream("GET", f"{API}/jobs/{started}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        text = answer.read().decode()
    assert text.count("event: done") == 1
    assert text.endswith("\n\n")


def test_an_engine_that_another_process_changes_fails_the_job_in_a_line(
    own: TestClient, place: Path
):
    draw_picture("disc", 90).save(place.parent / "photos" / "new.png")
    with writing(Layout(place), "lookalike retrain"):
        job = ended(own, own.post(f"{API}/sync"))
    assert job["state"] == "failed"
    assert job["error"]["kind"] == "engine"
    assert "is being changed by `lookalike retrain`" in job["error"]["message"]
    assert str(place.parent) not in job["error"]["message"]


def test_what_was_found_goes_with_the_state_it_was_found_in(own: TestClient, place: Path):
    found(own, "/oddities?count=1")
    assert own.get(f"{API}/stats").json()["findings"] == 1
    draw_picture("disc", 90).save(place.parent / "photos" / "new.png")
    ended(own, own.post(f"{API}/sync"))
    assert own.get(f"{API}/stats").json()["findings"] == 0
    assert own.get(f"{API}/oddities?count=1").status_code == 202


def test_what_is_no_job(own: TestClient):
    for call in (own.get, own.delete):
        assert call(f"{API}/jobs/none").status_code == 404
    assert own.get(f"{API}/jobs/none/events").status_code == 404


def test_the_map_is_made_kept_and_sent(own: TestClient, place: Path):
    nothing = own.get(f"{API}/map").json()
    assert (nothing["state"], nothing["job"], nothing["count"]) == ("none", None, 0)
    assert own.get(f"{API}/map/points").status_code == 404
    assert own.get(f"{API}/map/atlas/0").status_code == 404
    job = ended(own, own.post(f"{API}/map"))
    assert job["result"] == {"count": 36, "pages": 1, "placed": 0}
    facts = own.get(f"{API}/map").json()
    assert (facts["state"], facts["count"], facts["pages"]) == ("ready", 36, 1)
    assert sorted(facts["labels"]) == ["disc", "square", "stripes"]
    points = own.get(f"{API}/map/points", params={"v": facts["version"]})
    assert "immutable" in points.headers["cache-control"]
    table = np.frombuffer(points.content, POINT)
    assert POINT.itemsize == 16
    assert sorted(table["id"].tolist()) == sorted(ids(own).values())
    by_id = {number: path for path, number in ids(own).items()}
    for point in table:
        assert facts["labels"][point["label"]] == by_id[int(point["id"])].split("/")[0]
    left, top, right, bottom = facts["bounds"]
    assert ((table["x"] >= left) & (table["x"] <= right)).all()
    assert ((table["y"] >= top) & (table["y"] <= bottom)).all()
    page = own.get(f"{API}/map/atlas/0")
    assert Image.open(io.BytesIO(page.content)).size == (2048, 2048)
    again = own.get(f"{API}/map/atlas/0", headers={"if-none-match": page.headers["etag"]})
    assert again.status_code == 304
    assert own.get(f"{API}/map/atlas/1").status_code == 404
    assert (place / "map" / "places.safetensors").exists()


def test_a_map_follows_the_gallery(own: TestClient, place: Path):
    ended(own, own.post(f"{API}/map"))
    first = own.get(f"{API}/map").json()
    draw_picture("disc", 90).save(place.parent / "photos" / "new.png")
    ended(own, own.post(f"{API}/sync"))
    facts = own.get(f"{API}/map").json()
    until = time.monotonic() + 30
    while facts["state"] == "working":
        assert time.monotonic() < until
        time.sleep(0.02)
        facts = own.get(f"{API}/map").json()
    assert (facts["state"], facts["count"]) == ("ready", 37)
    assert facts["version"] != first["version"]


def test_a_map_does_not_follow_each_step_of_a_sync(own: TestClient, place: Path):
    ended(own, own.post(f"{API}/map"))
    state, go = own.app.state.lookalike, threading.Event()
    job = state.jobs.start("sync", lambda _: {"waited": go.wait()})
    draw_picture("disc", 90).save(place.parent / "photos" / "new.png")
    sync_engine(place, device="cpu")
    own.portal.call(state.refresh)
    facts = own.get(f"{API}/map").json()
    go.set()
    assert (facts["state"], facts["job"]) == ("working", job.id)


def test_a_map_that_cannot_follow_is_tried_again_only_after_a_while(
    own: TestClient, place: Path, monkeypatch: pytest.MonkeyPatch
):
    ended(own, own.post(f"{API}/map"))
    state, tries = own.app.state.lookalike, []

    def broken(self, **_):
        tries.append(1)
        raise EngineError("the disk is full")

    monkeypatch.setattr(Engine, "gallery_map", broken)
    draw_picture("disc", 90).save(place.parent / "photos" / "new.png")
    sync_engine(place, device="cpu")
    own.portal.call(state.refresh)
    facts = own.get(f"{API}/map")
    assert ended_job(own, facts.json()["job"])["state"] == "failed"
    facts = own.get(f"{API}/map").json()
    assert (facts["state"], facts["job"], facts["error"]) == ("none", None, "the disk is full")
    assert own.get(f"{API}/map").json()["error"] == "the disk is full"
    assert len(tries) == 1
    monkeypatch.setattr("lookalike.serve.mapping._AGAIN_SECONDS", -1.0)
    job = own.get(f"{API}/map").json()["job"]
    assert ended_job(own, job)["error"]["message"] == "the disk is full"
    monkeypatch.undo()
    assert ended(own, own.post(f"{API}/map"))["state"] == "done"
    assert own.get(f"{API}/map").json()["error"] is None


def test_where_queries_fall_on_the_map(own: TestClient, picture: bytes):
    assert own.post(f"{API}/map/place", json={"queries": [{"id": 3}]}).status_code == 404
    ended(own, own.post(f"{API}/map"))
    table = np.frombuffer(own.get(f"{API}/map/points").content, POINT)
    third = table[table["id"] == 3][0]
    at = own.post(f"{API}/map/place", json={"queries": [{"id": 3}]}).json()
    assert (at["x"], at["y"]) == pytest.approx((third["x"], third["y"]))
    upload = own.post(f"{API}/uploads", files={"file": ("x.png", picture)}).json()["upload"]
    body = {"queries": [{"upload": upload}, {"id": 3, "weight": -1}]}
    at = own.post(f"{API}/map/place", json=body).json()
    assert 0 <= at["x"] <= 1
    assert 0 <= at["y"] <= 1
    missing = own.post(f"{API}/map/place", json={"queries": [{"id": 10**6}]})
    assert missing.status_code == 404


def test_duplicates_with_what_differs(own: TestClient, place: Path):
    photos = place.parent / "photos"
    first = photos / "disc" / "00.png"
    shutil.copy(first, photos / "again.png")
    Image.open(first).save(photos / "same.bmp")
    ended(own, own.post(f"{API}/sync"))
    kinds = "/duplicates?kinds=exact,same-pixels"
    page = found(own, kinds)
    assert page["total"] == 1
    assert page["copies"] == {"exact": 1, "same-pixels": 1}
    (group,) = page["groups"]
    by_kind = {one["kind"]: one for one in group["others"]}
    assert by_kind.keys() == {"exact", "same-pixels"}
    paths = {group["kept"]["path"], *(one["path"] for one in group["others"])}
    assert paths == {"disc/00.png", "again.png", "same.bmp"}
    assert by_kind["exact"]["similarity"] == pytest.approx(1, abs=1e-3)
    words = [word for one in group["others"] for word in one["differs"]]
    assert any(word.startswith(("larger file: ", "smaller file: ")) for word in words)
    assert any(" instead of " in word for word in words)
    assert own.get(f"{API}{kinds}&offset=1").json()["groups"] == []
    assert str(place.parent) not in json.dumps(page)
    assert own.get(f"{API}/duplicates?kinds=none").status_code == 422
    assert own.get(f"{API}/duplicates?at_least=2").status_code == 422


def test_other_settings_look_at_no_pair_again_and_a_sync_at_the_new_picture(
    own: TestClient, place: Path, monkeypatch: pytest.MonkeyPatch
):
    looks, look = [], SecondLook.__call__
    monkeypatch.setattr(
        SecondLook, "__call__", lambda *asked: looks.append(asked[1:]) or look(*asked)
    )
    photos = place.parent / "photos"
    first = found(own, "/duplicates?kinds=edited&at_least=0.5")
    count = len(looks)
    assert count > 0
    for settings in ("kinds=edited&at_least=0.9", "kinds=edited,near&at_least=0.05"):
        assert own.get(f"{API}/duplicates?{settings}").status_code == 202
        found(own, f"/duplicates?{settings}")
    assert len(looks) == count
    shown = {one["path"] for group in first["groups"] for one in [group["kept"], *group["others"]]}
    gone = min(shown)
    (photos / gone).unlink()
    draw_picture("stripes", 90, 96).save(photos / "new.png")
    draw_picture("stripes", 90, 96).resize((80, 80)).save(photos / "small.jpg")
    ended(own, own.post(f"{API}/sync"))
    page = found(own, "/duplicates?kinds=edited&at_least=0.5&limit=100")
    groups = [
        {one["path"] for one in [group["kept"], *group["others"]]} for group in page["groups"]
    ]
    assert any({"new.png", "small.jpg"} <= paths for paths in groups)
    assert not any(gone in paths for paths in groups)


def test_where_two_pictures_differ(client: TestClient):
    known = ids(client)
    one, other = known["disc/00.png"], known["disc/02.png"]

    def drawn(a: int, b: int) -> np.ndarray:
        answer = client.get(f"{API}/pictures/{a}/difference/{b}")
        assert answer.status_code == 200
        return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"), int)

    same, differ = drawn(one, one), drawn(one, other)
    assert (same.max(axis=2) == same.min(axis=2)).all()  # grey: nothing differs
    assert (differ[:, :, 0] - differ[:, :, 1] > 60).any()
    assert client.get(f"{API}/pictures/{one}/difference/99999").status_code == 404


def test_oddities_and_reconstructions(client: TestClient):
    page = found(client, "/oddities?count=4")
    errors = [one["error"] for one in page["oddities"]]
    assert len(errors) == 4
    assert errors == sorted(errors, reverse=True)
    assert page["pictures"] == 36
    number = page["oddities"][0]["picture"]["id"]
    answer = client.get(f"{API}/pictures/{number}/reconstruction")
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).size == (32, 32)
    assert client.get(f"{API}/pictures/99999/reconstruction").status_code == 404
    assert client.get(f"{API}/oddities?count=0").status_code == 422


def test_without_a_decoder_it_says_so(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lookalike.encoder.Encoder.decodes", False)
    for path in ("/oddities", "/pictures/0/reconstruction"):
        answer = client.get(API + path)
        assert answer.status_code == 409
        assert "has no decoder" in answer.json()["error"]["message"]


def test_the_report_card(own: TestClient, client: TestClient, place: Path):
    assert client.get(f"{API}/card").json()["sentence"]
    (place / "reports" / "card.json").unlink()
    assert own.get(f"{API}/card").status_code == 404


def test_stats(client: TestClient, photos: Path):
    stats = client.get(f"{API}/stats").json()
    assert stats["pictures"] == 36
    assert stats["skipped"]["count"] == 1
    assert stats["queues"].keys() == {"work", "search", "rerank"}
    assert str(photos) not in json.dumps(stats)
