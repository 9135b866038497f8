"""The files that could not be read, kept so as not to try them again while they are the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from lookalike.engine.manifest import Layout
from lookalike.storage import write_text

if TYPE_CHECKING:
    from lookalike.images import Skipped

__all__ = ["keep_skipped", "read_skipped"]


def keep_skipped(layout: Layout, skipped: Iterable[Skipped]) -> None:
    """Write which files could not be read, and why; the cache that knows it may be deleted."""
    write_text(layout.skipped, json.dumps([asdict(one) for one in skipped], indent=1) + "\n")


def read_skipped(layout: Layout) -> dict[str, Skipped]:
    """Return what `keep_skipped` wrote, by path; nothing where that is gone or damaged."""
    try:
        listed = json.loads(layout.skipped.read_text(encoding="utf-8"))
        if not listed:  # a sync of nothing new shall not import what decodes
            return {}
        from lookalike.images import Skipped

        return {
            one["path"]: Skipped(
                one["path"], one["reason"], (int(one["file"][0]), int(one["file"][1]))
            )
            for one in listed
        }
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return {}
