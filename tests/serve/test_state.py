"""The service follows what happens to its engine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from drawing import draw_picture

import lookalike
from lookalike.engine import open_engine, sync_job
from lookalike.engine.decoded import cache_matches
from lookalike.errors import EngineError
from lookalike.images import IntakeLimits
from lookalike.serve import ServeSettings, create_app
from lookalike.serve import state as module

API = "/api/v1"


def until(true, seconds=20.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def test_a_sync_in_another_process_is_taken_up(place, serving):
    client = serving(place)
    photos = place.parent / "photos"
    before = client.get(f"{API}/engine").json()
    body = {"queries": [{"id": 0}], "k": 100}
    assert client.post(f"{API}/search", json=body).json()["gallery_version"] == 1
    draw_picture("disc", 90).save(photos / "new.png")
    (photos / "disc" / "00.png").unlink()
    command = [sys.executable, "-m", "lookalike.cli", "sync", str(place), "-q"]
    subprocess.run(command, check=True, capture_output=True)
    # What is gone and what is new are two states.
    until(lambda: client.get(f"{API}/pictures?text=new.png").json()["total"] == 1)
    after = client.get(f"{API}/engine").json()
    assert (before["pictures"], after["pictures"]) == (36, 36)
    assert client.post(f"{API}/search", json=body).status_code == 404  # picture 0 is gone
    found = client.post(f"{API}/search", json={"queries": [{"id": 1}], "k": 100}).json()
    assert "new.png" in [hit["picture"]["path"] for hit in found["hits"]]
    assert found["gallery_version"] == after["gallery_version"]


def test_another_engine_in_its_place_is_taken_up(place, serving):
    client = serving(place)
    assert client.post(f"{API}/search", json={"queries": [{"id": 0}]}).status_code == 200
    before = client.app.state.lookalike.opened.key
    lookalike.build(
        place.parent / "photos" / "disc", place, overwrite=True, epochs=1, batch_size=8, size=16,
        report=False, device="cpu", seed=3,
    )  # fmt: skip
    until(lambda: client.app.state.lookalike.opened.key != before)
    answer = client.post(f"{API}/search", json={"queries": [{"id": 0}], "k": 50})
    assert (answer.status_code, len(answer.json()["hits"])) == (200, 11)


def test_what_was_begun_ends_with_the_state_it_began_with(place, serving):
    client = serving(place)
    opened = client.app.state.lookalike.opened
    draw_picture("disc", 90).save(place.parent / "photos" / "new.png")
    open_engine(place).sync()
    until(lambda: client.app.state.lookalike.opened is not opened)
    assert len(opened.gallery) == 36
    assert len(opened.engine.search(opened.gallery.paths[0], 100)) == 35


def test_a_second_service_reads_along(place, serving):
    first, second = serving(place), serving(place)
    body = {"queries": [{"id": 3}], "k": 5}
    answers = [one.post(f"{API}/search", json=body).json() for one in (first, second)]
    assert answers[0]["hits"] == answers[1]["hits"]


def test_an_engine_that_may_not_be_written_is_served(place, serving):
    for folder, _, _ in os.walk(place):
        Path(folder).chmod(0o500)
    try:
        client = serving(place)
        assert client.post(f"{API}/search", json={"queries": [{"id": 0}]}).status_code == 200
    finally:
        for folder, _, _ in os.walk(place):
            Path(folder).chmod(0o700)


def test_there_must_be_an_engine(tmp_path):
    with pytest.raises(EngineError, match="no engine at"):
        create_app(tmp_path / "nothing.lookalike", ServeSettings())


def test_an_engine_that_was_opened_long_ago_is_served_as_it_is_now(place, serving):
    engine = open_engine(place, limits=IntakeLimits(max_bytes=123_456), search_with="exact")
    assert len(engine.gallery) == 36
    draw_picture("disc", 90).save(place.parent / "photos" / "new.png")
    open_engine(place).sync()
    client = serving(engine)
    state = client.app.state.lookalike
    assert client.get(f"{API}/engine").json()["pictures"] == 37
    assert len(engine.gallery) == 36  # whose it is need not expect that it changes
    before = state.opened
    draw_picture("disc", 91).save(place.parent / "photos" / "newer.png")
    open_engine(place).sync()
    until(lambda: state.opened is not before)
    assert state.opened.engine.limits.max_bytes == 123_456
    assert state.opened.engine.search_with == "exact"


def test_it_goes_on_looking_after_what_nobody_expected(place, serving, monkeypatch, caplog):
    client = serving(place)
    seen = module._files_seen

    def fails(directory):
        if directory == place:  # services of other tests may be looking too
            raise RuntimeError("out of order")
        return seen(directory)

    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(module, "_files_seen", fails)
    until(lambda: "out of order" in caplog.text)
    time.sleep(0.2)
    assert caplog.text.count("the engine cannot be taken up") == 1
    monkeypatch.setattr(module, "_files_seen", seen)
    draw_picture("disc", 90).save(place.parent / "photos" / "new.png")
    open_engine(place).sync()
    until(lambda: client.get(f"{API}/engine").json()["pictures"] == 37)


def test_decoded_pictures_that_follow_the_gallery_later_are_taken_up(place, serving, monkeypatch):
    state = serving(place).app.state.lookalike
    before, match = state.opened.version, sync_job.match_cache

    def later(engine, update):
        until(lambda: state.opened.version == engine.gallery.version > before)
        _ = state.opened.engine.cache
        match(engine, update)

    monkeypatch.setattr(sync_job, "match_cache", later)
    draw_picture("disc", 90).save(place.parent / "photos" / "disc" / "00.png")
    open_engine(place).sync()
    until(lambda: cache_matches(state.opened.engine))
