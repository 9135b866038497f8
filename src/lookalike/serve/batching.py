"""Answering many people at once: what waits while one batch is worked on makes the next."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from lookalike.serve.errors import Refusal

__all__ = ["Batcher"]

Asked = TypeVar("Asked")
Found = TypeVar("Found")


class Batcher(Generic[Asked, Found]):
    """One thread that answers batches of requests. For one event loop.

    Nobody waits for a batch to fill: a request that finds the thread idle goes alone.

    Args:
        name: of the thread.
        answer: answers a batch, each request by its result or by an error of its own.
        most: requests of one batch.
        queue: requests that may wait; a further one is refused.
    """

    def __init__(
        self,
        name: str,
        answer: Callable[[Sequence[Asked]], Sequence[Found | Exception]],
        *,
        most: int,
        queue: int,
    ) -> None:
        self._answer = answer
        self._most = most
        self._queue = queue
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting: deque[tuple[Asked, asyncio.Future[Found]]] = deque()
        self._working: asyncio.Task[None] | None = None
        self.batches = 0
        self.answered = 0

    @property
    def pending(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    async def ask(self, asked: Asked) -> Found:
        """Return the answer to a request.

        Raises:
            Refusal: too many wait already.
        """
        if len(self._waiting) >= self._queue:
            raise Refusal(429, "too much to do right now: try again", retry_after=1)
        found: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, found))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await found

    def close(self) -> None:
        """Give up what waits; what is under way ends by itself."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = self._next()
            if not batch:
                continue
            try:
                answers = await loop.run_in_executor(
                    self._thread, self._answer, [asked for asked, _ in batch]
                )
            except Exception as error:  # whatever it is: those who wait are told, the next go on
                answers = [error] * len(batch)
            self.batches += 1
            self.answered += len(batch)
            for (_, found), answer in zip(batch, answers, strict=True):
                _tell(found, answer)

    def _next(self) -> list[tuple[Asked, asyncio.Future[Found]]]:
        """Take a batch, without those who wait no more."""
        batch: list[tuple[Asked, asyncio.Future[Found]]] = []
        while self._waiting and len(batch) < self._most:
            asked, found = self._waiting.popleft()
            if not found.done():
                batch.append((asked, found))
        return batch


def _tell(found: asyncio.Future[Found], answer: Found | Exception) -> None:
    if found.done():  # whoever asked has gone
        return
    if isinstance(answer, Exception):
        found.set_exception(answer)
    else:
        found.set_result(answer)
