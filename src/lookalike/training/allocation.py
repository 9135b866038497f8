"""Memory that a training step frees and the next one asks for again."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import sys
from collections.abc import Iterator

import torch

__all__ = ["freed_memory_kept"]

# Numbers of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT, _LARGEST_KEPT = 2**31 - 1, 2**30
# What glibc itself arrives at in a program that has freed a block of 32 MiB.
_USUAL_TRIM, _USUAL_MMAP = 2**26, 2**25


@contextlib.contextmanager
def freed_memory_kept(device: torch.device) -> Iterator[None]:
    """Let glibc keep what is freed while a CPU trains, and give it back to the system afterwards.

    Else the maps of each step come from the system as pages to be cleared, 15,000 of them at a
    batch of 256 small pictures. Elsewhere than in glibc nothing is changed.
    """
    library = _glibc() if device.type == "cpu" else None
    if library is None:
        yield
        return
    _set(library, _KEPT, _LARGEST_KEPT)
    try:
        yield
    finally:
        _set(library, _USUAL_TRIM, _USUAL_MMAP)
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return None
    return ctypes.CDLL(None)


def _set(library: ctypes.CDLL, trim: int, mmap: int) -> None:
    library.mallopt(_TRIM_THRESHOLD, trim)
    library.mallopt(_MMAP_THRESHOLD, mmap)
