"""What is kept in memory while there is room for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Bounded"]

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Bounded(Generic[Key, Value]):
    """Values by their keys; those unused for longest go when there is no room. For any thread.

    Args:
        most: bytes that all may take together.
        size: says how many bytes a value takes.
    """

    def __init__(self, most: int, size: Callable[[Value], int]) -> None:
        self._most = most
        self._size = size
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def bytes(self) -> int:
        """How many bytes they take."""
        return self._bytes

    def get(self, key: Key) -> Value | None:
        """Return a value, which counts as used; None where it is not kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        return None

    def put(self, key: Key, value: Value) -> None:
        """Keep a value, alone if it is larger than what there is room for."""
        with self._lock:
            before = self._kept.pop(key, None)
            if before is not None:
                self._bytes -= self._size(before)
            self._kept[key] = value
            self._bytes += self._size(value)
            while self._bytes > self._most and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= self._size(gone)
