"""The undo file: one line for each file that is moved, on the disk before it is."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lookalike.errors import EngineError
from lookalike.storage import write_text

__all__ = ["UNDO", "Entry", "Journal", "read_journal"]

UNDO = "undo.jsonl"
FORMAT = "lookalike-undo"
VERSION = 1


@dataclass(frozen=True)
class Entry:
    """One line of the undo file: a file on its way.

    Attributes:
        source: its old place.
        target: its new place.
        sha256: of its bytes, in hex.
        mount: where the disk of its old place was mounted; "" where that is not known.
    """

    source: str
    target: str
    sha256: str
    mount: str = ""


class Journal:
    """The undo file, open for adding: each entry is on the disk before its file is moved.

    Args:
        place: the file; one that is there is added to.
        engine: whose pictures are moved.

    Raises:
        EngineError: what is there is no undo file.
    """

    def __init__(self, place: Path, engine: Path) -> None:
        self.place = place
        known = place.exists()
        if known:
            read_journal(place)  # another's file is not written to
        self._repair()
        if not known:
            facts = {"format": FORMAT, "version": VERSION, "engine": str(engine.absolute())}
            facts["time"] = datetime.now(UTC).isoformat(timespec="seconds")
            write_text(place, json.dumps(facts) + "\n")  # whole, or not there

    def add(self, entry: Entry) -> None:
        """Write an entry, and wait until it is on the disk."""
        self._write(asdict(entry))

    def _repair(self) -> None:
        """Cut off a line that a crash has left half written: nothing was moved after it."""
        if not self.place.exists():
            return
        data = self.place.read_bytes()
        if not data.endswith(b"\n"):
            os.truncate(self.place, data.rfind(b"\n") + 1)

    def _write(self, values: dict[str, Any]) -> None:
        with self.place.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")
            file.flush()
            os.fsync(file.fileno())


def read_journal(place: Path) -> list[Entry]:
    """Return the entries of an undo file, without one that a crash has left half written.

    Raises:
        EngineError: it is no undo file, or it is damaged.
    """
    try:
        text = place.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise EngineError(
            f"no undo file at {place}: name the {UNDO} in the directory that files were moved to"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"{place} cannot be read as an undo file: {error}") from error
    lines = text.split("\n")[:-1]  # what has no end was not written whole
    try:
        head, *rest = [json.loads(line) for line in lines] or [{}]
        if head.get("format") != FORMAT or head.get("version") != VERSION:
            raise EngineError(
                f"{place} is no undo file of this Lookalike: it does not begin with {FORMAT!r}, "
                f"version {VERSION}"
            )
        return [Entry(**one) for one in rest]
    except (ValueError, TypeError, AttributeError) as error:
        raise EngineError(
            f"{place} is damaged ({error}): its lines name each file's old and new place, "
            "move them by hand"
        ) from error
