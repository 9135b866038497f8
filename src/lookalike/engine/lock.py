"""One writer at a time: a second one is told who the first is. Readers need no lock."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lookalike.engine.manifest import Layout
from lookalike.errors import EngineError
from lookalike.storage import storage_errors

__all__ = ["writing"]


@contextmanager
def writing(layout: Layout, what: str, *, wait: float = 0) -> Iterator[None]:
    """Be the only one who changes an engine while the block runs.

    The lock is the operating system's, on a file in the engine: it ends with the process that
    holds it, however that ends.

    Args:
        layout: of the engine, whose directory is there.
        what: is being done, for whoever comes second.
        wait: at most so many seconds for the first.

    Raises:
        EngineError: another process is changing the engine.
        StorageError: the engine may not be written.
    """
    from filelock import FileLock, Timeout

    place, holder = layout.lock, layout.lock.with_suffix(".json")
    lock = FileLock(place, timeout=wait)
    with storage_errors(place):
        try:
            lock.acquire()
        except Timeout:
            raise EngineError(
                f"{layout.directory} is being changed by {_describe(holder)}: "
                "wait until that is done, or stop it"
            ) from None
    try:
        with storage_errors(holder):
            facts = {
                "what": what,
                "process": os.getpid(),
                "machine": platform.node(),
                "since": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            holder.write_text(json.dumps(facts) + "\n", encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _describe(holder: Path) -> str:
    try:
        facts = json.loads(holder.read_text(encoding="utf-8"))
        return "`{what}`, process {process} on {machine}, since {since}".format(**facts)
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
