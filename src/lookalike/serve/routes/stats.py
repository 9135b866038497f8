"""What the service holds and has to do."""

from __future__ import annotations

import time
from collections import Counter

from fastapi import APIRouter

from lookalike.serve.errors import without_paths
from lookalike.serve.found_schemas import Reason, Skipped, Stats, Store
from lookalike.serve.state import Opened, State, StateOf

__all__ = ["router"]

router = APIRouter(tags=["service"])

_REASONS = 50


@router.get("/stats")
async def stats(state: StateOf) -> Stats:
    """Say what the service holds and has to do."""
    opened = state.opened
    return Stats(
        pictures=len(opened.gallery),
        gallery_version=opened.version,
        uptime_seconds=round(time.monotonic() - state.started, 1),
        uploads=Store(count=len(state.uploads), bytes=state.uploads.bytes),
        thumbnails=Store(count=len(state.thumbnails), bytes=state.thumbnails.bytes),
        prepared=Store(count=len(state.prepared), bytes=state.prepared.bytes),
        findings=len(state.findings),
        queues={
            "work": state.work.pending,
            "search": state.quick.pending,
            "rerank": state.slow.pending,
        },
        jobs=dict(Counter(job.state for job in state.jobs.all())),
        skipped=await state.work.run(_skipped, state, opened),
    )


def _skipped(state: State, opened: Opened) -> Skipped:
    reasons = Counter(without_paths(one.reason, state.roots) for one in opened.engine.skipped())
    return Skipped(
        count=sum(reasons.values()),
        reasons=[Reason(reason=one, count=n) for one, n in reasons.most_common(_REASONS)],
    )
