"""When the rows of a gallery are rounded to 8 bits."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from lookalike.gallery.packed import PackedRows

__all__ = ["Rounding"]

# Rounding, and loading what it takes, last about as long as so many searches of one query, which
# are quicker after it: the first ones do without.
PATIENCE = 60


@dataclass
class _Made:
    """What one process has made.

    Attributes:
        patience: searches of one query until the rows are worth rounding; below 0 they are
            rounded, or never will be.
        rows: the rounded rows; None while there are none, or where there cannot be any.
        process: whose they are.
        making: held by the thread that rounds them.
    """

    patience: int
    rows: PackedRows | None = None
    process: int = field(default_factory=os.getpid)
    making: threading.Lock = field(default_factory=threading.Lock)


class Rounding:
    """Rounded rows, made once searches have shown that they pay.

    A forked child has none of the threads that compare its parent's: it begins anew.

    Args:
        make: returns them; None where there cannot be any.
        pays: whether they may pay at all.
    """

    def __init__(self, make: Callable[[], PackedRows | None], *, pays: bool) -> None:
        self._make = make
        self._begin = PATIENCE if pays else -1
        self._kept = _Made(self._begin)

    @property
    def rows(self) -> PackedRows | None:
        """The rounded rows, where there are any yet."""
        return self._here().rows

    def now(self) -> None:
        """Round the rows, unless that is done, or never pays."""
        made = self._here()
        with made.making:
            self._round(made)

    def in_time(self, count: int) -> PackedRows | None:
        """Return the rounded rows once they are worth it; None while they are not, or being made.

        To wait as long as making them takes costs at most twice what the best choice would have.

        Args:
            count: queries that are asked now.
        """
        made = self._here()
        if made.patience >= 0:
            made.patience = max(0, made.patience - count)
            # Others go on without meanwhile.
            if made.patience == 0 and made.making.acquire(blocking=False):
                try:
                    self._round(made)
                finally:
                    made.making.release()
        return made.rows

    def _here(self) -> _Made:
        made = self._kept
        if made.process != os.getpid():
            made = self._kept = _Made(self._begin)
        return made

    def _round(self, made: _Made) -> None:
        if made.rows is None and made.patience >= 0:
            made.rows = self._make()
            made.patience = -1
