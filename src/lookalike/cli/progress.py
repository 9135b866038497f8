"""Progress on standard error: bars on a terminal, a line per stage elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lookalike.types import OnProgress, Progress, silent

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

__all__ = ["show_progress"]

# Seconds between two lines of one stage where there is no terminal to draw a bar on.
LINE_EVERY = 15.0
# Columns from which there is room for everything.
WIDE = 125
# Between the figures of a message.
SEPARATOR = " · "


@contextmanager
def show_progress(*, quiet: bool = False) -> Iterator[OnProgress]:
    """Give a function that shows `Progress` on standard error.

    Args:
        quiet: show nothing.
    """
    if quiet:
        yield silent
    elif sys.stderr.isatty():
        with _bars() as on_progress:
            yield on_progress
    else:
        yield _Lines().show


@contextmanager
def _bars() -> Iterator[OnProgress]:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    console = Console(stderr=True)
    wide = console.width >= WIDE
    tasks: dict[str, TaskID] = {}
    with Bars(*_columns(wide=wide), console=console) as bars:

        def show(progress: Progress) -> None:
            task = tasks.get(progress.stage)
            finished = task is not None and bars.tasks[task].finished
            if task is None or (finished and progress.done < progress.total):
                task = bars.add_task(progress.stage, total=None, message="")
                tasks[progress.stage] = task
            bars.update(
                task,
                completed=progress.done,
                total=progress.total or None,
                message=progress.message if wide else _without_rate(progress.message),
            )

        yield show


def _columns(*, wide: bool) -> list[ProgressColumn]:
    """Return a bar's parts; at 80 columns the longest message of a training still fits."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.table import Column

    name = TextColumn("{task.description:<8}", markup=False)
    message = TextColumn(
        "{task.fields[message]}",
        style="dim",
        markup=False,
        table_column=Column(no_wrap=True, overflow="ellipsis"),
    )
    left = TimeRemainingColumn(compact=True, elapsed_when_finished=True)
    if not wide:
        share = TaskProgressColumn("{task.percentage:>3.0f}%", "")
        return [name, BarColumn(bar_width=8), share, left, message]
    count, elapsed = MofNCompleteColumn(), TimeElapsedColumn()
    return [name, BarColumn(bar_width=12), count, elapsed, TextColumn("left"), left, message]


def _without_rate(message: str) -> str:
    """Return the message without its images per second."""
    return SEPARATOR.join(p for p in message.split(SEPARATOR) if not p.endswith("images/s"))


class _Lines:
    """One line when a stage ends, and now and then while it lasts."""

    def __init__(self) -> None:
        self._stage = ""
        self._last = time.monotonic()
        self._ended = False

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.stage != self._stage or (self._ended and progress.done < progress.total):
            self._stage, self._ended, self._last = progress.stage, False, now
        ends = bool(progress.total) and progress.done >= progress.total
        if self._ended or not (ends or now - self._last >= LINE_EVERY):
            return
        self._last, self._ended = now, ends
        total = f"/{progress.total:,}" if progress.total else ""
        message = f"  {progress.message}" if progress.message else ""
        sys.stderr.write(f"{progress.stage}: {progress.done:,}{total}{message}\n")
        sys.stderr.flush()
