"""Server-sent events: a job's progress, told until it ends or nobody listens."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from lookalike.serve.found_schemas import JobFacts
from lookalike.serve.jobs import Job, Jobs

__all__ = ["HEADERS", "follow_job", "job_facts"]

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""So that nothing on the way keeps events back."""

# Between two looks at a job, and between two signs of life where nothing changes.
LOOK_SECONDS = 0.15
HEARTBEAT_SECONDS = 10.0


def job_facts(job: Job) -> JobFacts:
    """Return what is said of a job."""
    return JobFacts(
        id=job.id,
        kind=job.kind,
        state=job.state,
        stage=job.stage,
        done=job.done,
        total=job.total,
        message=job.message,
        result=None if job.result is None else dict(job.result),
        error=None if job.error is None else dict(job.error),
        seconds=job.seconds,
    )


async def follow_job(
    jobs: Jobs, job: str, is_gone: Callable[[], Awaitable[bool]]
) -> AsyncIterator[str]:
    """Give events of a job: all that is known of it, first at once, then whenever it changes.

    Each carries the whole state, so that who comes back later has missed nothing. They are named
    "progress", and the last one "done" or "failed" (which a job that was stopped is too).

    Args:
        jobs: of the service.
        job: the job's id; it is there.
        is_gone: whether the listener is.
    """
    seen, spoken = -1, time.monotonic()
    while not jobs.is_closed and not await is_gone():
        now = jobs.find(job)
        if now.change != seen:
            seen, spoken = now.change, time.monotonic()
            yield _event(now)
        elif time.monotonic() - spoken > HEARTBEAT_SECONDS:
            spoken = time.monotonic()
            yield ": still there\n\n"
        if now.is_over:
            return
        await asyncio.sleep(LOOK_SECONDS)


def _event(job: Job) -> str:
    name = "progress" if not job.is_over else "done" if job.state == "done" else "failed"
    data = json.dumps(job_facts(job).model_dump(), ensure_ascii=False, separators=(",", ":"))
    return f"id: {job.change}\nevent: {name}\ndata: {data}\n\n"
