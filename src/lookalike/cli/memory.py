"""How this process asks the system for memory."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["keep_freed_memory"]

# Parameters of glibc's mallopt, from its malloc.h.
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
LARGEST_BLOCK = 1 << 30
MOST_KEPT = (1 << 31) - 1


def keep_freed_memory() -> None:
    """Let freed blocks be used again instead of being given back to the system at once.

    Training frees and takes the same large blocks at every step. With glibc's own settings the
    system clears each of them anew, about a quarter of the processor time (`python -m
    benchmarks.kept_memory`). Other C libraries are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(M_MMAP_THRESHOLD, LARGEST_BLOCK)
        library.mallopt(M_TRIM_THRESHOLD, MOST_KEPT)
    except (OSError, AttributeError):
        return
