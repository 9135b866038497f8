"""Idle workers between two intakes: a build needs one after the other, and starting is slow."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Sequence

from lookalike.images.limits import IntakeLimits
from lookalike.images.worker_process import WorkerProcess

__all__ = ["SPARE"]

# So long workers that were let go of wait for another intake.
_SPARE_SECONDS = 10.0


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


SPARE = _Spare()
atexit.register(SPARE.close)
