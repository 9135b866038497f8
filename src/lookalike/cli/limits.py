"""The limits of a picture's cost, from the options of a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lookalike.images import IntakeLimits

__all__ = ["chosen_limits"]


def chosen_limits(
    engine: Path | None,
    max_pixels: str | None,
    max_file_size: str | None,
    time_limit: float | None,
    memory_limit: str | None,
) -> IntakeLimits | None:
    """Return the limits with what was chosen; None where nothing was.

    Args:
        engine: whose limits hold for the rest; None for the usual ones.
        max_pixels: as a person writes a number.
        max_file_size: as a person writes a number.
        time_limit: in seconds.
        memory_limit: as a person writes a number.

    Raises:
        SettingsError: a limit is no number, or out of range.
        EngineError: there is no such engine.
    """
    if (max_pixels, max_file_size, time_limit, memory_limit) == (None, None, None, None):
        return None
    from dataclasses import replace

    from lookalike.engine.limiting import limits_of
    from lookalike.engine.manifest import Layout, read_manifest
    from lookalike.images.limits import IntakeLimits, parse_amount

    limits = IntakeLimits()
    if engine is not None:
        limits = limits_of(read_manifest(Layout(engine).manifest))
    if max_pixels is not None:
        limits = replace(limits, max_pixels=parse_amount(max_pixels))
    if max_file_size is not None:
        limits = replace(limits, max_bytes=parse_amount(max_file_size))
    if time_limit is not None:
        limits = replace(limits, seconds=time_limit)
    if memory_limit is not None:
        limits = replace(limits, memory=parse_amount(memory_limit))
    return limits
