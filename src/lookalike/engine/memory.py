"""How much memory the embeddings of an engine may take."""

from __future__ import annotations

import json
from math import isfinite

from lookalike.engine.manifest import Layout
from lookalike.errors import SettingsError
from lookalike.gallery import EXACT_MEGABYTES
from lookalike.storage import write_text

__all__ = ["keep_memory", "read_memory"]


def read_memory(layout: Layout) -> float:
    """Return the megabytes that embeddings may take: what a person has set, else the default."""
    try:
        megabytes = float(json.loads(layout.memory.read_text(encoding="utf-8"))["megabytes"])
    except (OSError, ValueError, KeyError, TypeError):
        return EXACT_MEGABYTES
    return megabytes if megabytes >= 0 else EXACT_MEGABYTES


def keep_memory(layout: Layout, megabytes: float) -> None:
    """Set the megabytes that embeddings may take in memory, for this engine from now on.

    Raises:
        SettingsError: that is no number of megabytes.
        StorageError: the disk is full or may not be written.
    """
    if not (isfinite(megabytes) and megabytes >= 0):
        raise SettingsError(f"memory is {megabytes} MB: wanted 0 or more")
    write_text(layout.memory, json.dumps({"megabytes": megabytes}) + "\n")
