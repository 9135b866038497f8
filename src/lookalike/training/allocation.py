"""Memory that a training step frees and the next one asks for again."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import sys
import threading
from collections.abc import Iterator

import torch

__all__ = ["can_keep_freed_memory", "freed_memory_kept"]

# Numbers of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
# Versions before 2.35 refuse blocks of more than 32 MiB.
_KEPT, _LARGEST_KEPT = 2**31 - 1, (2**30, 2**25)
# What glibc itself arrives at in a program that has freed a block of 32 MiB.
_USUAL_TRIM, _USUAL_MMAP = 2**26, 2**25
# A person's own choice stays.
_CHOSEN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")

_lock = threading.Lock()
_trainings = 0


@contextlib.contextmanager
def freed_memory_kept(device: torch.device) -> Iterator[None]:
    """Let glibc keep what is freed while a CPU trains, and give it back to the system afterwards.

    Else the maps of each step come from the system as pages to be cleared
    (`benchmarks/kept_memory.py` counts them). It holds for the whole process, until its last
    training ends; glibc's thresholds then stand where a program that frees large blocks has them.
    Elsewhere than in glibc, and where its environment variables are set, nothing is changed.
    """
    library = _glibc() if device.type == "cpu" else None
    if library is None:
        yield
        return
    _count(library, 1)
    try:
        yield
    finally:
        _count(library, -1)


def can_keep_freed_memory() -> bool:
    """Say whether `freed_memory_kept` does something on a CPU here."""
    return _glibc() is not None


def _count(library: ctypes.CDLL, change: int) -> None:
    """Count trainings; the first sets what memory is kept, the last sets it back."""
    global _trainings
    with _lock:
        before, _trainings = _trainings, _trainings + change
        if before == 0:
            if any(library.mallopt(_MMAP_THRESHOLD, size) for size in _LARGEST_KEPT):
                library.mallopt(_TRIM_THRESHOLD, _KEPT)
        elif _trainings == 0:
            library.mallopt(_MMAP_THRESHOLD, _USUAL_MMAP)
            library.mallopt(_TRIM_THRESHOLD, _USUAL_TRIM)
            library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return None
    return None if any(name in os.environ for name in _CHOSEN) else ctypes.CDLL(None)
