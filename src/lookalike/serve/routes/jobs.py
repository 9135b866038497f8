"""Long work in the background, and syncing as such."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import wait
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, StreamingResponse

from lookalike.engine.syncing import sync_engine
from lookalike.serve.errors import without_paths
from lookalike.serve.events import HEADERS, follow_job, job_facts
from lookalike.serve.finding import started
from lookalike.serve.found_schemas import JobFacts, JobList, Started
from lookalike.serve.mapping import is_behind, start_map
from lookalike.serve.state import State, StateOf
from lookalike.types import OnProgress, Progress

__all__ = ["router"]

router = APIRouter(tags=["jobs"])

_LOOK_SECONDS = 0.2
_JobId = Annotated[str, Path(max_length=100, description="A job's id.")]


@router.post("/sync", status_code=202, response_model=Started)
async def sync(state: StateOf) -> JSONResponse:
    """Make the gallery hold what its folders hold now, in the background."""
    loop = asyncio.get_running_loop()

    def work(on_progress: OnProgress) -> Mapping[str, Any]:
        report = sync_engine(state.directory, device=state.device, on_progress=on_progress)
        taken_up = asyncio.run_coroutine_threadsafe(state.refresh(), loop)
        while not wait([taken_up], _LOOK_SECONDS).done:
            on_progress(Progress("take up", 0, 0))  # where the service is to stop, this ends it
        if is_behind(state, state.opened):
            start_map(state, state.opened)
        return _told(state, report.as_dict())

    return started(state.jobs.start("sync", work))


@router.get("/jobs")
async def jobs(state: StateOf) -> JobList:
    """List the jobs that are remembered, the latest first."""
    return JobList(jobs=[job_facts(job) for job in state.jobs.all()])


@router.get("/jobs/{job}")
async def job(state: StateOf, job: _JobId) -> JobFacts:
    """Say how far a job is."""
    return job_facts(state.jobs.find(job))


@router.delete("/jobs/{job}")
async def stop(state: StateOf, job: _JobId) -> JobFacts:
    """Stop a job at its next step; what it has written stays."""
    return job_facts(state.jobs.stop(job))


@router.get(
    "/jobs/{job}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Until it ends."}},
)
async def events(request: Request, state: StateOf, job: _JobId) -> StreamingResponse:
    """Tell how far a job is whenever that changes: events progress, then done or failed."""
    state.jobs.find(job)
    told = follow_job(state.jobs, job, request.is_disconnected)
    return StreamingResponse(told, media_type="text/event-stream", headers=HEADERS)


def _told(state: State, report: dict[str, Any]) -> dict[str, Any]:
    """Return a sync's report without what is nobody's business."""
    away = {
        without_paths(name, state.roots): without_paths(reason, state.roots)
        for name, reason in report["away"].items()
    }
    return {**report, "away": away}
