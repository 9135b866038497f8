"""Noticing that another process has put another engine in an opened one's place."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from lookalike.errors import EngineError, GalleryError

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts

__all__ = ["notices_replacement"]

Own = TypeVar("Own", bound="EngineParts")
Given = ParamSpec("Given")
Found = TypeVar("Found")


def notices_replacement(
    method: Callable[Concatenate[Own, Given], Found],
) -> Callable[Concatenate[Own, Given], Found]:
    """Let a method say so where parts cannot be read because they are another engine's by now."""

    @wraps(method)
    def asked(self: Own, /, *given: Given.args, **named: Given.kwargs) -> Found:
        try:
            return method(self, *given, **named)
        except (EngineError, GalleryError) as error:
            if self.was_replaced():
                raise self.replaced() from error
            raise

    return asked
