"""Work on one thing after the other, several at a time, the results in order; the cores for it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

__all__ = ["in_order", "in_order_by", "usable_cores", "usable_threads"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_Task = tuple[Future[Any], Callable[[], Any]]


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def usable_threads() -> int:
    """Return how many threads may compute: those that OpenMP is told, else the cores allowed.

    OMP_NUM_THREADS is what torch, faiss and numpy obey; whatever else computes is to obey it too.
    """
    told = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(told) if told.isdigit() and int(told) > 0 else usable_cores()


def in_order(
    work: Callable[[_Item], _Result],
    items: Iterable[_Item],
    workers: int,
    on_stop: Callable[[], None] = lambda: None,
) -> Iterator[_Result]:
    """Give `work` of each item, computed by threads made for it.

    A few items a thread are under way, no more: what comes out must not fill the memory.

    Args:
        work: what is done with an item.
        items: asked for one at a time, by the caller's thread.
        workers: how many threads; with one, the caller's own does it.
        on_stop: called before the threads are waited for, where not all results are asked for.
    """
    if workers <= 1:
        yield from map(work, items)
        return
    threads = _Threads(workers)
    try:
        yield from in_order_by(threads.submit, work, items, 2 * workers)
    except BaseException:
        on_stop()
        raise
    finally:
        threads.end()


def in_order_by(
    submit: Callable[[Callable[[_Item], _Result], _Item], Future[_Result]],
    work: Callable[[_Item], _Result],
    items: Iterable[_Item],
    ahead: int,
) -> Iterator[_Result]:
    """Give `work` of each item, computed by threads that are there already.

    Args:
        submit: an executor's.
        work: what is done with an item.
        items: asked for one at a time, by the caller's thread.
        ahead: how many may be under way beside the one that is waited for.
    """
    waiting: deque[Future[_Result]] = deque()
    try:
        for item in items:
            waiting.append(submit(work, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


class _Threads:
    """Threads for one piece of work.

    Not a pool: an interpreter that ends waits for its threads, and they for a codec that hangs.
    """

    def __init__(self, count: int) -> None:
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads = [Thread(target=self._serve, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[_Item], _Result], item: _Item) -> Future[_Result]:
        """Let a thread do this; return where its result will be."""
        future: Future[_Result] = Future()
        self._tasks.put((future, partial(work, item)))
        return future

    def end(self) -> None:
        """Wait for what is under way."""
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            future, work = task
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:  # it is raised where the result is asked for
                    future.set_exception(error)
