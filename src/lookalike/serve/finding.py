"""What takes long to find: looked for once for each state of the engine, then kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi.responses import JSONResponse

from lookalike.serve.found_schemas import Started
from lookalike.serve.jobs import Job
from lookalike.serve.state import Opened, State
from lookalike.types import OnProgress

__all__ = ["Finding", "find_or_start", "keep", "recall", "started"]

Found = TypeVar("Found")


@dataclass(frozen=True)
class Finding(Generic[Found]):
    """Something to be found in an engine.

    Attributes:
        kind: of the job that finds it.
        asked: what tells it from others of this kind.
        type: of what is found.
        find: finds it.
        result: a few facts of it, for the job.
    """

    kind: str
    asked: tuple[object, ...]
    type: type[Found]
    find: Callable[[OnProgress], Found]
    result: Callable[[Found], Mapping[str, Any]]


def find_or_start(state: State, opened: Opened, finding: Finding[Found]) -> Found | Job:
    """Return what was found, or the job that is looking for it.

    One job of a kind runs at a time: where it looks for something else, ask again once it is done.
    """
    asked = (finding.kind, *finding.asked)
    found = recall(state, opened, asked)
    if isinstance(found, finding.type):
        return found

    def work(on_progress: OnProgress) -> Mapping[str, Any]:
        now = finding.find(on_progress)
        keep(state, opened, asked, now)
        return finding.result(now)

    return state.jobs.start(finding.kind, work)


def recall(state: State, opened: Opened, asked: tuple[object, ...]) -> object | None:
    """Return what was found in an engine; None where it is not kept."""
    return state.findings.get((*opened.key, *asked))


def keep(state: State, opened: Opened, asked: tuple[object, ...], found: object) -> None:
    """Keep what was found, if it is of the engine as it is now."""
    if opened is state.opened:
        state.findings.put((*opened.key, *asked), found)


def started(job: Job) -> JSONResponse:
    """Return the answer that says which job to follow."""
    return JSONResponse(Started(job=job.id).model_dump(), 202)
