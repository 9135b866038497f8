"""Long work in the background: one job of a kind at a time, watched and stopped by whoever asks."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock, Thread, get_native_id
from typing import Any, Literal

from lookalike.errors import LookalikeError
from lookalike.serve.errors import Refusal, kind_of, without_paths
from lookalike.types import OnProgress, Progress

__all__ = ["FINAL", "Job", "JobState", "Jobs", "Work"]

JobState = Literal["working", "done", "failed", "stopped"]
FINAL: tuple[JobState, ...] = ("done", "failed", "stopped")

Work = Callable[[OnProgress], Mapping[str, Any]]
"""What a job does: told whom to tell of its progress, it returns a few facts, ready for JSON."""

# Jobs that are remembered once they have ended.
REMEMBERED = 50
# How much other work of the machine, searches above all, goes before that of a job.
_NICENESS = 10
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """A job as it was at one moment.

    Attributes:
        id: what it is called.
        kind: what it is: "sync", "map", "duplicates", "oddities".
        state: "working", "done", "failed" or "stopped".
        stage: what is being done, in a few words.
        done: units of this stage that are done.
        total: units there are; 0 when unknown.
        message: figures beside these.
        result: a few facts of what it has found; None until it is done.
        error: kind and message of why it failed; None if it did not.
        started: seconds since 1970.
        seconds: that it has taken.
        change: rises whenever any of this changes.
    """

    id: str
    kind: str
    state: JobState = "working"
    stage: str = ""
    done: int = 0
    total: int = 0
    message: str = ""
    result: Mapping[str, Any] | None = None
    error: Mapping[str, str] | None = None
    started: float = field(default_factory=time.time)
    seconds: float = 0.0
    change: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing of it will change any more."""
        return self.state in FINAL

    @property
    def since(self) -> float:
        """Seconds since it last changed."""
        return time.time() - self.started - self.seconds


class _Stopped(BaseException):
    """Ends a job from within, as Ctrl-C would: nothing on the way may take it for an error."""


class Jobs:
    """The jobs of one service. For any thread.

    Args:
        roots: says which folders' names no message may hold.
    """

    def __init__(self, roots: Callable[[], Sequence[Path]] = tuple) -> None:
        self._roots = roots
        self._jobs: dict[str, Job] = {}
        self._threads: dict[str, Thread] = {}
        self._stopping: set[str] = set()
        self._lock = Lock()
        self._closed = False

    def start(self, kind: str, work: Work) -> Job:
        """Begin a job; where one of this kind is under way, return that one.

        Raises:
            Refusal: the service is being stopped.
        """
        with self._lock:
            if self._closed:
                raise Refusal(503, "the service is being stopped", retry_after=5)
            known = self._working(kind)
            if known is not None:
                return known
            job = Job(secrets.token_hex(8), kind)
            self._jobs[job.id] = job
            self._forget()
            # The interpreter need not wait for it: what a job writes survives being cut short.
            thread = Thread(target=self._run, args=(job.id, work), name=f"job-{kind}", daemon=True)
            self._threads[job.id] = thread
            thread.start()
        return job

    def find(self, job: str) -> Job:
        """Return a job.

        Raises:
            Refusal: there is none, or it is no longer remembered.
        """
        with self._lock:
            found = self._jobs.get(job)
        if found is None:
            raise Refusal(404, "there is no such job: it may have ended long ago")
        return found

    def working(self, kind: str) -> Job | None:
        """Return the job of a kind that is under way."""
        with self._lock:
            return self._working(kind)

    def all(self) -> tuple[Job, ...]:
        """Return all jobs, the latest first."""
        with self._lock:
            return tuple(reversed(self._jobs.values()))

    def stop(self, job: str) -> Job:
        """Tell a job to end at its next step; one that has ended stays as it is.

        Raises:
            Refusal: there is none.
        """
        found = self.find(job)
        with self._lock:
            if not self._jobs.get(job, found).is_over:
                self._stopping.add(job)
        return found

    def leave(self) -> None:
        """Tell all to end, and whoever follows one; may be called by what handles a signal."""
        self._closed = True  # and no lock: the thread that the signal came to may hold it

    def close(self, seconds: float = 0.0) -> None:
        """Tell all to end, and wait so long for them."""
        self.leave()
        with self._lock:
            threads = list(self._threads.values())
        until = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    @property
    def is_closed(self) -> bool:
        """Whether the service is being stopped."""
        return self._closed

    def _working(self, kind: str) -> Job | None:
        found = (job for job in self._jobs.values() if job.kind == kind and not job.is_over)
        return next(found, None)

    def _forget(self) -> None:
        over = [job.id for job in self._jobs.values() if job.is_over]
        for job in over[: max(0, len(over) - REMEMBERED)]:
            del self._jobs[job]

    def _run(self, job: str, work: Work) -> None:
        _step_back()
        try:
            self._told(job, Progress("starting", 0, 0))
            result = work(lambda progress: self._told(job, progress))
            self._end(job, "done", result=result)
        except _Stopped:
            self._end(job, "stopped", error={"kind": "stopped", "message": "it was stopped"})
        except LookalikeError as error:
            message = without_paths(str(error), self._roots())
            self._end(job, "failed", error={"kind": kind_of(error), "message": message})
        except Exception as error:  # else nobody would ever hear of it
            _LOG.exception("a job of kind %s failed", self._jobs[job].kind)
            message = f"it failed unexpectedly ({type(error).__name__}): see the service's log"
            self._end(job, "failed", error={"kind": "internal", "message": message})

    def _told(self, job: str, progress: Progress) -> None:
        if self._closed or job in self._stopping:
            raise _Stopped
        self._change(
            job,
            stage=progress.stage,
            done=progress.done,
            total=progress.total,
            message=without_paths(progress.message, self._roots()) if progress.message else "",
        )

    def _end(
        self,
        job: str,
        state: JobState,
        *,
        result: Mapping[str, Any] | None = None,
        error: Mapping[str, str] | None = None,
    ) -> None:
        self._change(job, state=state, result=result, error=error)
        with self._lock:
            self._threads.pop(job, None)
            self._stopping.discard(job)

    def _change(self, job: str, **changes: Any) -> None:  # noqa: ANN401 - fields of a job
        with self._lock:
            now = self._jobs[job]
            seconds = round(time.time() - now.started, 3)
            self._jobs[job] = replace(now, seconds=seconds, change=now.change + 1, **changes)


def _step_back() -> None:
    """Let others go before this thread, and those that it starts, where the system can do that."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, get_native_id(), _NICENESS)
