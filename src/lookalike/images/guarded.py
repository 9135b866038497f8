"""Decoding in processes of their own: what a codec does to one of them costs one file.

A file that crashes a worker is tried once more in a new one (it may have been killed by somebody
else, or by what an earlier picture left behind); one that takes too long is not. Workers are
started as new programs, never forked and never by importing the caller's script again.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import IntakeError, PictureError
from lookalike.images.answers import UNREAD, Answer, Part, Read, Thumbnail, Wanted
from lookalike.images.limits import IntakeLimits
from lookalike.images.spec import ImageSpec
from lookalike.images.worker_process import WorkerDied, WorkerProcess, can_guard
from lookalike.names import name_of_file

__all__ = ["Intake", "can_guard"]

_TICK = 0.25
# So long workers that were let go of wait for another intake: a build needs one after the other.
_SPARE_SECONDS = 10.0


# From how many pictures came before, width and height to where the pixels of one are written.
_Place = Callable[[int, int, int], NDArray[np.uint8]]


class Intake:
    """Workers that decode files; to be closed, best by `with`.

    They are started when they are needed, as many as calls of `decode` are under way at a time.

    Args:
        limits: what a picture may cost.

    Attributes:
        limits: what a picture may cost.
    """

    def __init__(self, limits: IntakeLimits | None = None) -> None:
        self.limits = limits or IntakeLimits()
        self._idle: list[WorkerProcess] = []
        self._workers: list[WorkerProcess] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._finalizer = weakref.finalize(
            self, _end_all, self._workers, self._idle, self._stop, self._lock, os.getpid()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the workers at once, also of those that are decoding, which are ended."""
        self._finalizer()

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the workers that run."""
        return tuple(worker.pid for worker in self._workers if worker.pid)

    def decode(
        self, files: Sequence[str | Path], spec: ImageSpec, pixels: NDArray[np.uint8]
    ) -> list[Answer]:
        """Decode files in one worker; may be called by several threads.

        Args:
            files: absolute paths, or relative to the directory that the process started in.
            spec: the size, channels, fit and background wanted.
            pixels: uint8 (n, H, W, C), where the pictures go, without gaps for what is none.

        Returns:
            An answer for each file, in their order.

        Raises:
            IntakeError: no worker can be started, or the intake was closed.
        """
        return self._ask(files, spec, lambda row, *_: pixels[row])

    def thumbnail(self, file: str | Path, wanted: Thumbnail) -> NDArray[np.uint8]:
        """Return a small copy of a picture to look at, uint8 (height, width, 3).

        Raises:
            PictureError: it cannot be decoded.
            IntakeError: no worker can be started, or the intake was closed.
        """
        return self.read(file, wanted).pixels

    def read(self, source: str | Path | bytes, wanted: Wanted) -> Read:
        """Return one picture as it is wanted; may be called by several threads.

        Args:
            source: a file, or the bytes of one.
            wanted: for the encoder, to look at, or a part of it as one of these.

        Raises:
            PictureError: it cannot be decoded.
            IntakeError: no worker can be started, or the intake was closed.
        """
        pixels = np.zeros((0, 0, 0), np.uint8)

        def place(row: int, width: int, height: int) -> NDArray[np.uint8]:
            nonlocal pixels
            pixels = np.empty(_shape(wanted, width, height), np.uint8)
            return pixels

        if isinstance(source, bytes):
            name = f"the picture of {len(source):,} bytes"
            (answer,) = self._with_worker(lambda one: [_decode_data(one, source, wanted, place)])
        else:
            name = name_of_file(str(source))
            (answer,) = self._ask([source], wanted, place)
        if answer.size is None:
            raise PictureError(f"cannot read {name}: {answer.reason}")
        return Read(pixels, answer.size)

    def _ask(self, files: Sequence[str | Path], wanted: Wanted, place: _Place) -> list[Answer]:
        paths = [os.fsencode(os.path.abspath(file)) for file in files]  # noqa: PTH100 - quicker
        return self._with_worker(lambda worker: _decode_all(worker, paths, wanted, place))

    def _with_worker(self, ask: Callable[[WorkerProcess], list[Answer]]) -> list[Answer]:
        worker = self._borrow()
        try:
            answers = ask(worker)
        except BaseException:
            worker.end()  # it may have answers that nobody has read: they would be the next one's
            raise
        with self._lock:
            if self._stop.is_set():
                worker.end()
            else:
                self._idle.append(worker)
        return answers

    def _borrow(self) -> WorkerProcess:
        with self._lock:
            if self._stop.is_set():
                raise IntakeError("the decoding was stopped")
            if self._idle:
                return self._idle.pop()
            worker = _SPARE.take(self.limits) or WorkerProcess(self.limits, self._stop)
            worker.stop = self._stop
            self._workers.append(worker)
            if len(self._workers) == 1:
                watch = threading.Thread(
                    target=_watch, args=(self._workers, self._stop), name="intake", daemon=True
                )
                watch.start()
        return worker


def _decode_all(
    worker: WorkerProcess,
    files: Sequence[bytes],
    wanted: Wanted,
    place: _Place,
) -> list[Answer]:
    """Decode files; those that cost the worker its life are named, and the rest goes on."""
    answers: list[Answer] = []
    rows, tried = 0, -1
    while len(answers) < len(files):
        first = len(answers)
        fresh = worker.ask(files[first:], wanted)
        for position in range(first, len(files)):
            try:
                answers.append(worker.answer(partial(place, rows)))
                rows += answers[-1].size is not None
            except WorkerDied as death:
                again = death.again and tried != position
                if not (again and not (death.of_itself and fresh and position == first)):
                    answers.append(Answer(_known(files[position]), reason=death.reason))
                tried = position
                break
    return answers


def _decode_data(worker: WorkerProcess, data: bytes, wanted: Wanted, place: _Place) -> Answer:
    """Decode the bytes of one file, once more where what ended the worker may not be its fault."""
    tried = False
    while True:
        fresh = worker.ask_of(data, wanted)
        try:
            return worker.answer(partial(place, 0))
        except WorkerDied as death:
            if tried or not death.again or (death.of_itself and fresh):
                return Answer(UNREAD, reason=death.reason)
            tried = True


def _shape(wanted: Wanted, width: int, height: int) -> tuple[int, int, int]:
    """Return the shape of the pixels that come where an answer has this size."""
    whole = wanted.wanted if isinstance(wanted, Part) else wanted
    if isinstance(whole, ImageSpec):
        return whole.height, whole.width, whole.channels
    return height, width, 3


def _known(path: bytes) -> tuple[int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116 - bytes
    except OSError:
        return UNREAD
    return status.st_size, status.st_mtime_ns


def _watch(workers: list[WorkerProcess], stop: threading.Event) -> None:
    """Look at the workers until told to stop.

    No look counts for more than a few: a laptop that slept, or Ctrl-Z, is no slow picture.
    """
    last = time.monotonic()
    while not stop.wait(_TICK):
        now = time.monotonic()
        for worker in list(workers):
            worker.look(min(now - last, 4 * _TICK))
        last = now


def _end_all(
    workers: list[WorkerProcess],
    idle: list[WorkerProcess],
    stop: threading.Event,
    lock: threading.Lock,
    owner: int,
) -> None:
    if os.getpid() != owner:  # a fork of whoever started them
        return
    with lock:
        stop.set()
        busy = [worker for worker in workers if worker not in idle]
        for worker in busy:
            worker.kill()  # the thread that waits for it does the rest
        _SPARE.keep(idle)
        idle.clear()
        workers.clear()


class _Spare:
    """Idle workers between two intakes; those that nobody takes are ended after a while."""

    def __init__(self) -> None:
        self._kept: list[tuple[float, WorkerProcess]] = []
        # The collector of garbage may end an intake in the midst of any of this.
        self._lock = threading.RLock()
        self._owner = os.getpid()
        self._sweeping = False
        self._closed = False

    def take(self, limits: IntakeLimits) -> WorkerProcess | None:
        """Return a worker of these limits, if there is one."""
        with self._lock:
            self._forget_anothers()
            for at, (_, worker) in enumerate(self._kept):
                if worker.limits == limits:
                    return self._kept.pop(at)[1]
        return None

    def keep(self, workers: Sequence[WorkerProcess]) -> None:
        """Keep workers for whoever needs some next."""
        with self._lock:
            self._forget_anothers()
            now = time.monotonic()
            self._kept += [(now, worker) for worker in workers if worker.pid]
            if self._closed:
                self.end()
            elif self._kept and not self._sweeping:
                self._sweeping = True
                threading.Thread(target=self._sweep, name="intake", daemon=True).start()

    def close(self) -> None:
        """End them all, and those that are still to come: the interpreter ends."""
        self._closed = True
        self.end()

    def end(self) -> None:
        """End them all."""
        with self._lock:
            self._forget_anothers()
            while self._kept:
                self._kept.pop()[1].end()

    def _sweep(self) -> None:
        while True:
            time.sleep(_SPARE_SECONDS / 5)
            with self._lock:
                oldest = time.monotonic() - _SPARE_SECONDS
                for _, worker in (one for one in self._kept if one[0] < oldest):
                    worker.end()
                self._kept = [one for one in self._kept if one[0] >= oldest]
                if not self._kept:
                    self._sweeping = False
                    return

    def _forget_anothers(self) -> None:
        """In a fork, leave the workers to whoever started them."""
        if self._owner != os.getpid():
            self._kept, self._owner, self._sweeping = [], os.getpid(), False


_SPARE = _Spare()
atexit.register(_SPARE.close)
