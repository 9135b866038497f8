"""Several parts of an engine replaced at once: a crash leaves all the old ones or all the new."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lookalike.engine.manifest import Layout
from lookalike.storage import recover, replace_directory, storage_errors, sync_directory, sync_tree

__all__ = ["exchange", "recover_engine"]

# A folder of this name holds parts that are whole and only have to be moved to their places.
READY = "next"
PARTS = ("encoder", "gallery", "reports/skipped.json", "manifest.json")


@contextmanager
def exchange(layout: Layout) -> Iterator[Layout]:
    """Give a place to write new parts to; they become the engine's when the block ends well.

    Args:
        layout: of the engine; those of its parts that are not written again stay.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    ready = layout.directory / READY
    work = Layout(ready.with_name(READY + ".new"))
    with storage_errors(work.directory):
        shutil.rmtree(work.directory, ignore_errors=True)
        work.directory.mkdir()
    try:
        yield work
        sync_tree(work.directory)
        with storage_errors(ready):
            work.directory.rename(ready)  # from here on there is no way back, only on
            sync_directory(layout.directory)
    finally:
        shutil.rmtree(work.directory, ignore_errors=True)
    recover_engine(layout)


def recover_engine(layout: Layout) -> None:
    """Bring an engine whose replacement a crash cut short to its old state or its new one.

    Raises:
        StorageError: the disk may not be written.
    """
    recover(layout.directory)
    ready = layout.directory / READY
    if not ready.is_dir():
        return
    # What is gone, another process that opened the engine has just moved.
    with storage_errors(layout.directory), suppress(FileNotFoundError):
        for name in PARTS:
            _move(ready / name, layout.directory / name)
        shutil.rmtree(ready)


def _move(part: Path, place: Path) -> None:
    if part.is_dir():
        replace_directory(part, place, at_once=False)  # what is left in the folder is new
    elif part.exists():
        place.parent.mkdir(exist_ok=True)
        part.replace(place)
