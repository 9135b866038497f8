"""Work that would hold up the event loop, done by a bounded number of threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import ParamSpec, TypeVar

from lookalike.serve.errors import Refusal

__all__ = ["Pool"]

Given = ParamSpec("Given")
Found = TypeVar("Found")


class Pool:
    """Threads and a bounded queue before them.

    Args:
        name: of the threads.
        threads: how many.
        queue: how many calls may wait; a further one is refused.
    """

    def __init__(self, name: str, threads: int, queue: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = threads + queue
        self._pending = 0
        self._lock = Lock()

    @property
    def pending(self) -> int:
        """How many calls are waiting or under way."""
        return self._pending

    async def run(
        self, call: Callable[Given, Found], /, *given: Given.args, **named: Given.kwargs
    ) -> Found:
        """Return what a call returns, made in one of the threads.

        Raises:
            Refusal: too many wait already.
        """
        with self._lock:
            if self._pending >= self._most:
                raise Refusal(429, "too much to do right now: try again", retry_after=1)
            self._pending += 1
        future = self._executor.submit(partial(call, *given, **named))
        # A caller who has gone does not end what is under way: it counts until it is done.
        future.add_done_callback(self._done)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Give up what waits; what is under way ends by itself."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _done(self, _: Future[Found]) -> None:
        with self._lock:
            self._pending -= 1
