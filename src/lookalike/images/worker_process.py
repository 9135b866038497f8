"""A worker as the process that started it sees it: asked, listened to, watched, buried."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import IO

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import IntakeError
from lookalike.images.answers import Answer, Part, Wanted
from lookalike.images.limits import IntakeLimits, say_bytes
from lookalike.images.spec import ImageSpec
from lookalike.images.worker import ANSWER, DECODED, NO_MEMORY, READY

__all__ = ["WorkerDied", "WorkerProcess", "can_guard", "worker_command"]

# Importing numpy and Pillow on a machine that is short of everything.
_START_SECONDS = 120.0
_END_SECONDS = 5.0
_PROGRAM = (
    "import os, sys; os.environ['OPENBLAS_NUM_THREADS'] = os.environ['OMP_NUM_THREADS'] = '1'; "
    "sys.path[:] = sys.argv[1:]; from lookalike.images.worker import main; main()"
)


def can_guard() -> bool:
    """Whether there is an interpreter to start: in a frozen or embedded Python there is none."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def worker_command() -> list[str]:
    """Return what starts a worker: this Python with this search path, not the caller's script."""
    return [sys.executable, "-P", "-W", "ignore", "-c", _PROGRAM, *map(str, sys.path)]


class WorkerDied(Exception):
    """The worker is no more.

    Attributes:
        reason: what that says of the file it was decoding.
        again: the file may be tried once more.
        of_itself: in a worker that had done nothing else, there is nothing else to blame.
    """

    def __init__(self, reason: str, *, again: bool, of_itself: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.again = again
        self.of_itself = of_itself


class WorkerProcess:
    """One process, started when it is first asked and again after each of its deaths.

    Attributes:
        limits: what a picture may cost.
        stop: set when nobody wants an answer any more.
        waited: seconds that its answer has been waited for; None while it is asked nothing.
        overdue: it was ended because that was too long.
    """

    def __init__(self, limits: IntakeLimits, stop: threading.Event) -> None:
        self.limits = limits
        self.stop = stop
        self.waited: float | None = None
        self.overdue = False
        self._process: subprocess.Popen[bytes] | None = None
        self._patience = _START_SECONDS

    @property
    def pid(self) -> int | None:
        """The process id, where there is a process."""
        return self._process.pid if self._process else None

    def ask(self, files: Sequence[bytes], wanted: Wanted) -> bool:
        """Send the names of files; return whether the process is a new one."""
        fresh = self._ready()
        self._send({**_request(wanted), "files": [file.decode("latin-1") for file in files]})
        return fresh

    def ask_of(self, data: bytes, wanted: Wanted) -> bool:
        """Send the bytes of one file; return whether the process is a new one."""
        fresh = self._ready()
        self._send({**_request(wanted), "data": len(data)}, data)
        return fresh

    def answer(self, place: Callable[[int, int], NDArray[np.uint8]]) -> Answer:
        """Return what became of the next file.

        Args:
            place: from the width and height of the answer to where the pixels are written.

        Raises:
            WorkerDied: the process ended instead.
            IntakeError: the intake was closed.
        """
        self.waited, self.overdue = 0.0, False
        header = self._receive(ANSWER.size)
        status, width, height, size, modified, digest, length = ANSWER.unpack(header)
        file = (size, modified)
        if status == DECODED:
            self._receive_into(place(width, height).reshape(-1).data)
            self.waited = None
            return Answer(file, (width, height), digest.hex())
        reason = self._receive(length).decode("utf-8")
        self.waited = None
        if status == NO_MEMORY:  # whatever it still holds is not to trouble the next
            self.end()
            memory = say_bytes(self.limits.memory)
            raise WorkerDied(f"it needs more than {memory} of memory", again=True, of_itself=True)
        return Answer(file, reason=reason)

    def kill(self) -> None:
        """End the process, whatever it does; who waits for it finds out."""
        process = self._process
        if process is not None:
            process.kill()

    def end(self) -> int | None:
        """End the process and forget it; return its exit status, if it is known."""
        process, self._process, self.waited = self._process, None, None
        if process is None:
            return None
        process.kill()
        _close(process)
        try:
            return process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:  # it waits for a disk; no signal reaches it there
            return None

    def _ready(self) -> bool:
        """Start the process if there is none; return whether it is a new one."""
        fresh = self._process is None
        if fresh:
            self._start()
        self.waited = 0.0
        return fresh

    def _start(self) -> None:
        if self.stop.is_set():
            raise IntakeError("the decoding was stopped")
        self.overdue, self._patience = False, _START_SECONDS
        try:
            self._process = subprocess.Popen(
                worker_command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            raise IntakeError(
                f"cannot start a process that decodes pictures: {error.strerror}"
            ) from error
        if self.stop.is_set():  # closed meanwhile, and this one was not known yet
            self.end()
            raise IntakeError("the decoding was stopped")
        self.waited = 0.0
        self._send(self.limits.as_dict())
        stdout, stderr = _pipe(self._process.stdout), _pipe(self._process.stderr)
        if stdout.read(len(READY)) != READY:
            said = stderr.read(4096).decode("utf-8", "replace").strip()
            self.end()
            raise IntakeError(
                f"cannot start a process that decodes pictures: "
                f"{said.splitlines()[-1] if said else 'it ended at once'}"
            )
        stderr.close()
        self._patience, self.waited = self.limits.seconds, None

    def _send(self, request: dict[str, object], data: bytes = b"") -> None:
        process = self._process
        if process is None:
            return
        stdin = _pipe(process.stdin)
        try:
            stdin.write(json.dumps(request).encode() + b"\n")
            stdin.write(data)
            stdin.flush()
        except (OSError, ValueError):
            pass  # it has died: whoever reads from it finds out

    def _receive(self, length: int) -> bytes:
        data = bytearray(length)
        self._receive_into(memoryview(data))
        return bytes(data)

    def _receive_into(self, place: memoryview) -> None:
        process = self._process
        stdout = _pipe(process.stdout) if process else None
        while len(place):
            try:
                count = stdout.readinto(place) if stdout else 0  # type: ignore[attr-defined]
            except (OSError, ValueError):
                count = 0
            if not count:
                raise self._death()
            place = place[count:]

    def _death(self) -> Exception:
        """Find out why the process ended."""
        status = self.end()
        if self.stop.is_set():
            return IntakeError("the decoding was stopped")
        if self.overdue:
            return WorkerDied(
                f"it took longer than {self.limits.seconds:g} s to decode", again=False
            )
        if status is None or status == -getattr(signal, "SIGKILL", 9):
            return WorkerDied("its decoding was killed, as for want of memory", again=True)
        name = _signal_name(status)
        return WorkerDied(f"its decoding crashed{f' ({name})' if name else ''}", again=True)

    def look(self, seconds: float) -> None:
        """Count the time that passed; end the process if it was too much."""
        if self.waited is not None:
            self.waited += seconds
            if self.waited > self._patience:
                self.overdue = True
                self.kill()


def _request(wanted: Wanted) -> dict[str, object]:
    """Return what is wanted, as a worker reads it."""
    if isinstance(wanted, Part):
        box = wanted.box
        return {**_request(wanted.wanted), "crop": [box.x, box.y, box.width, box.height]}
    if isinstance(wanted, ImageSpec):
        return {"spec": wanted.as_dict()}
    return {"thumbnail": astuple(wanted)}


def _signal_name(status: int) -> str:
    try:
        return signal.Signals(-status).name
    except ValueError:
        return ""


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise IntakeError("a process that decodes pictures was started without its pipes")
    return pipe


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        try:
            if pipe is not None:
                pipe.close()
        except OSError:
            pass  # what was still to be written goes nowhere
