"""What one picture of an engine may cost, as its manifest remembers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lookalike.errors import EngineError, SettingsError

if TYPE_CHECKING:
    from lookalike.engine.manifest import Manifest
    from lookalike.images import IntakeLimits

__all__ = ["limits_of", "written_limits"]


def limits_of(manifest: Manifest) -> IntakeLimits:
    """Return the limits that an engine was made with, or last synced with.

    Raises:
        EngineError: the manifest says nonsense of them.
    """
    from lookalike.images import IntakeLimits

    try:
        return IntakeLimits.from_dict(manifest.limits or {})
    except (SettingsError, TypeError, ValueError) as error:
        raise EngineError(f"the manifest is damaged ({error}): index the pictures again") from error


def written_limits(limits: IntakeLimits) -> dict[str, Any] | None:
    """Return limits as a manifest keeps them; None for the usual ones."""
    return None if limits.are_default else limits.as_dict()
