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

__all__ = ["in_order", "usable_cores"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_Task = tuple[Future[Any], Callable[[], Any]]


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def in_order(
    work: Callable[[_Item], _Result],
    items: Iterable[_Item],
    workers: int,
    on_stop: Callable[[], None] = lambda: None,
) -> Iterator[_Result]:
    """Give `work` of each item, computed by threads of their own.

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
    tasks: SimpleQueue[_Task | None] = SimpleQueue()
    # An interpreter that ends waits for the threads of a pool, and they for a codec that hangs.
    threads = [Thread(target=_serve, args=(tasks,), daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    waiting: deque[Future[_Result]] = deque()
    try:
        for item in items:
            waiting.append(Future())
            tasks.put((waiting[-1], partial(work, item)))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BaseException:
        for future in waiting:
            future.cancel()
        on_stop()
        raise
    finally:
        for _ in threads:
            tasks.put(None)
        for thread in threads:
            thread.join()


def _serve(tasks: SimpleQueue[_Task | None]) -> None:
    while (task := tasks.get()) is not None:
        future, work = task
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work())
            except BaseException as error:  # it is raised where the result is asked for
                future.set_exception(error)
