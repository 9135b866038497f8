"""What a folder was like when the gallery last held it: is it so still, nothing is to be done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from lookalike.engine.manifest import Layout
from lookalike.errors import CollectionError
from lookalike.storage import storage_errors, sync_directory, write_text

__all__ = ["forget_state", "is_as_synced", "keep_state", "source_state"]


def source_state(source: str | Path, folders: Mapping[str, str | Path]) -> str | None:
    """Return what changes whenever a picture file does; None where that is not known.

    It has to be asked before the files are: what changes meanwhile is then found next time.

    Args:
        source: what an engine was made from.
        folders: its further folders, by their names.
    """
    from lookalike.walking import folder_state, joined_state

    parts = {"": source, **folders}
    try:
        return joined_state({name: folder_state(Path(place)) for name, place in parts.items()})
    except (CollectionError, OSError):
        return None


def keep_state(layout: Layout, state: str | None) -> None:
    """Remember that the gallery, as the manifest describes it, holds a source in this state."""
    facts = {"state": state, **_facts(layout)}
    write_text(layout.synced, json.dumps(facts) + "\n")


def forget_state(layout: Layout) -> None:
    """Forget what the gallery holds, before it is changed.

    Raises:
        StorageError: the engine may not be written.
    """
    with storage_errors(layout.synced):
        layout.synced.unlink(missing_ok=True)
        sync_directory(layout.directory)


def is_as_synced(layout: Layout, state: str | None) -> bool:
    """Whether a source in this state is what the gallery holds."""
    if state is None:
        return False
    try:
        facts = json.loads(layout.synced.read_text(encoding="utf-8"))
        return bool(facts == {"state": state, **_facts(layout)})
    except (OSError, ValueError):
        return False


def _facts(layout: Layout) -> dict[str, object]:
    from lookalike.gallery import newest_version

    manifest = hashlib.sha256(layout.manifest.read_bytes()).hexdigest()
    return {"manifest": manifest, "gallery": newest_version(layout.gallery)}
