"""Pillow's warnings, kept away from people: what matters becomes an error or a skipped file."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

__all__ = ["quiet_pillow"]


class _Quiet:
    """How many decodes run now, and the warning filters to bring back after the last of them.

    `warnings.catch_warnings` alone is not safe with threads: two overlapping ones would bring
    back each other's filters. So the first decode to begin enters it and the last to end leaves.
    """

    lock = threading.Lock()
    depth = 0
    filters: warnings.catch_warnings[None] | None = None


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Ignore the warnings that Pillow gives inside the block, in any thread."""
    with _Quiet.lock:
        if _Quiet.depth == 0:
            _Quiet.filters = warnings.catch_warnings()
            _Quiet.filters.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
            warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
        _Quiet.depth += 1
    try:
        yield
    finally:
        with _Quiet.lock:
            _Quiet.depth -= 1
            if _Quiet.depth == 0 and _Quiet.filters is not None:
                _Quiet.filters.__exit__(None, None, None)
