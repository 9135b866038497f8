"""Jobs: one of a kind at a time, watched, stopped, forgotten; their failures are told in a line."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from lookalike.errors import EngineError
from lookalike.serve import jobs as jobs_module
from lookalike.serve.errors import Refusal
from lookalike.serve.events import follow_job
from lookalike.serve.jobs import Job, Jobs
from lookalike.types import OnProgress, Progress


def wait_for(jobs: Jobs, job: Job, reached: Callable[[Job], bool] = lambda job: job.is_over) -> Job:
    until = time.monotonic() + 20
    while not reached(jobs.find(job.id)):
        assert time.monotonic() < until
        time.sleep(0.005)
    return jobs.find(job.id)


def counting(to: int) -> Callable[[OnProgress], Mapping[str, Any]]:
    def work(on_progress: OnProgress) -> Mapping[str, Any]:
        for number in range(to):
            on_progress(Progress("count", number + 1, to, "so far"))
        return {"to": to}

    return work


class Waiting:
    """Work that goes on until it is told to end."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def __call__(self, on_progress: OnProgress) -> Mapping[str, Any]:
        while not self.go.wait(0.01):
            on_progress(Progress("wait", 0, 0))
        return {}


def test_a_job_tells_how_far_it_is_and_what_came_of_it():
    jobs = Jobs()
    job = wait_for(jobs, jobs.start("map", counting(3)))
    assert (job.state, job.stage, job.done, job.total) == ("done", "count", 3, 3)
    assert job.message == "so far"
    assert job.result == {"to": 3}
    assert job.error is None


def test_one_of_a_kind_runs_at_a_time():
    jobs, work = Jobs(), Waiting()
    first = jobs.start("map", work)
    assert jobs.start("map", counting(1)).id == first.id
    other = jobs.start("sync", counting(1))
    assert other.id != first.id
    assert jobs.working("map") is not None
    work.go.set()
    wait_for(jobs, first)
    assert jobs.working("map") is None
    assert jobs.start("map", counting(1)).id != first.id


def test_a_job_can_be_stopped():
    jobs = Jobs()
    job = jobs.start("map", Waiting())
    jobs.stop(job.id)
    ended = wait_for(jobs, job)
    assert ended.state == "stopped"
    assert ended.error == {"kind": "stopped", "message": "it was stopped"}
    assert jobs.stop(job.id) == ended


def test_what_goes_wrong_is_told_without_paths(tmp_path: Path):
    jobs = Jobs(lambda: [tmp_path])

    def fail(_: OnProgress) -> Mapping[str, Any]:
        raise EngineError(f"{tmp_path}/e.lookalike is being changed by `lookalike sync`")

    job = wait_for(jobs, jobs.start("sync", fail))
    assert job.state == "failed"
    assert job.error == {"kind": "engine", "message": "… is being changed by `lookalike sync`"}


def test_progress_names_no_folder_of_the_host():
    jobs = Jobs(lambda: [Path("/home/me/My Pictures")])

    def work(on_progress: OnProgress) -> Mapping[str, Any]:
        on_progress(Progress("read", 1, 2, "in /home/me/My Pictures/a.png"))
        return {}

    assert wait_for(jobs, jobs.start("sync", work)).message == "in …"


def test_what_nobody_expected_fails_the_job_and_is_logged(caplog: pytest.LogCaptureFixture):
    jobs = Jobs()

    def fail(_: OnProgress) -> Mapping[str, Any]:
        raise ZeroDivisionError("/home/me")

    with caplog.at_level(logging.ERROR):
        job = wait_for(jobs, jobs.start("sync", fail))
    assert job.error is not None
    assert job.error["kind"] == "internal"
    assert "ZeroDivisionError" in job.error["message"]
    assert "/home/me" not in job.error["message"]
    assert caplog.records[0].exc_info


def test_jobs_of_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jobs_module, "REMEMBERED", 3)
    jobs = Jobs()
    ids = [wait_for(jobs, jobs.start("map", counting(1))).id for _ in range(6)]
    assert [job.id for job in jobs.all()] == ids[:1:-1]
    with pytest.raises(Refusal, match="no such job"):
        jobs.find(ids[0])


def test_closing_ends_them():
    jobs = Jobs()
    job = jobs.start("map", Waiting())
    jobs.close(10)
    assert jobs.find(job.id).state == "stopped"
    with pytest.raises(Refusal, match="being stopped"):
        jobs.start("map", counting(1))


async def _collect(jobs: Jobs, job: str, gone: Callable[[], bool] = lambda: False) -> list[str]:
    async def is_gone() -> bool:
        return gone()

    return [event async for event in follow_job(jobs, job, is_gone)]


def test_events_end_with_what_came_of_it():
    jobs = Jobs()
    job = jobs.start("map", counting(3))
    events = asyncio.run(_collect(jobs, job.id))
    *_, last = events
    name, data = last.splitlines()[1:3]
    assert name == "event: done"
    assert json.loads(data.removeprefix("data: "))["result"] == {"to": 3}
    assert all(event.endswith("\n\n") for event in events)


def test_events_tell_of_failure():
    jobs = Jobs()
    job = jobs.start("map", Waiting())
    jobs.stop(job.id)
    last = asyncio.run(_collect(jobs, job.id))[-1]
    assert "event: failed" in last
    assert '"state":"stopped"' in last


def test_events_beat_while_nothing_changes_and_end_when_nobody_listens(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("lookalike.serve.events.HEARTBEAT_SECONDS", 0.0)
    monkeypatch.setattr("lookalike.serve.events.LOOK_SECONDS", 0.01)
    jobs, work, looks = Jobs(), threading.Event(), iter(range(10**6))

    def wait(_: OnProgress) -> Mapping[str, Any]:
        work.wait()
        return {}

    job = jobs.start("map", wait)
    events = asyncio.run(_collect(jobs, job.id, lambda: next(looks) > 20))
    assert ": still there\n\n" in events
    assert not jobs.find(job.id).is_over
    work.set()
    wait_for(jobs, job)


def test_events_end_when_the_service_does():
    jobs = Jobs()
    job = jobs.start("map", Waiting())
    jobs.leave()
    assert asyncio.run(_collect(jobs, job.id)) == []
    jobs.close(10)
