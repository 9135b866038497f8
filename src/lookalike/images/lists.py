"""Lists of pictures: CSV and JSON lines."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from lookalike.errors import CollectionError
from lookalike.images.collection import Collection, Picture, Skipped, Split
from lookalike.names import file_of_name, name_of_file

__all__ = ["find_in_csv", "find_in_jsonl"]

_COLUMNS = ("path", "label", "split")
_SPLITS: dict[str, Split] = {"train": "train", "val": "val", "validation": "val", "test": "test"}

_Entry = tuple[int, str, str | None, str | None]  # line, path, label, split


def find_in_csv(source: Path) -> Collection:
    """Find the pictures of a CSV list: a header with `path`, `label`, `split`, or no header.

    Raises:
        CollectionError: the list cannot be read, or none of its pictures is there.
    """
    return _collect(source, _csv_entries(source))


def find_in_jsonl(source: Path) -> Collection:
    """Find the pictures of a list of JSON objects, one a line, with `path`, `label`, `split`.

    Raises:
        CollectionError: the list cannot be read, or none of its pictures is there.
    """
    return _collect(source, _jsonl_entries(source))


def _csv_entries(source: Path) -> Iterator[_Entry]:
    with source.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        names = list(_COLUMNS)
        for number, cells in enumerate(reader):
            lowered = [cell.strip().lower() for cell in cells]
            if number == 0 and "path" in lowered:
                names = lowered
            elif any(lowered):
                row = dict(zip(names, cells, strict=False))
                yield (
                    reader.line_num,
                    row.get("path", ""),
                    _text(row.get("label")),
                    _text(row.get("split")),
                )


def _jsonl_entries(source: Path) -> Iterator[_Entry]:
    with source.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                row = _parsed(line, number)
                if not isinstance(row, dict) or not isinstance(row.get("path"), str):
                    raise ValueError(f'line {number} is not an object with a "path"')
                yield number, row["path"], _text(row.get("label")), _text(row.get("split"))


def _parsed(line: str, number: int) -> object:
    try:
        return json.loads(line)
    except RecursionError:
        raise ValueError(f"line {number} is nested too deeply") from None


def _text(value: object) -> str | None:
    """Return a label or split without the blanks around it; None where nothing is left."""
    return None if value is None else str(value).strip() or None


def _collect(source: Path, entries: Iterable[_Entry]) -> Collection:
    root = source.parent
    pictures: dict[str, Picture] = {}
    skipped: list[Skipped] = []
    try:
        for line, name, label, split in entries:
            path, reason = _named(root, _relative(root, name), line)
            if path in pictures:
                reason = "it is listed twice"
            if reason:
                skipped.append(Skipped(path, reason))
            else:
                pictures[path] = Picture(path, label, _split(split, line))
    except (OSError, ValueError, csv.Error) as error:
        reason = str(getattr(error, "strerror", None) or error).partition("\n")[0]
        raise CollectionError(f"cannot read the list {source}: {reason}") from error
    return Collection(root, str(source), "list", tuple(pictures.values()), tuple(skipped))


def _relative(root: Path, name: str) -> str:
    """Return `name` with forward slashes, relative to the list's folder where it lies in it."""
    path = Path(name.strip())
    if path.is_absolute() and path.is_relative_to(root.absolute()):
        path = path.relative_to(root.absolute())
    return Path(os.path.normpath(path)).as_posix()


def _named(root: Path, path: str, line: int) -> tuple[str, str]:
    """Return the name of a listed file, and why it cannot be used; "" if it can.

    It may be listed as it is, or as `name_of_file` writes it.
    """
    try:
        for name in (name_of_file(path), path):
            if (root / file_of_name(name)).is_file():
                return name, ""
    except ValueError:  # a lone surrogate from JSON, or a NUL
        printable = path.encode("utf-8", "backslashreplace").decode()
        return printable, f"line {line}: its name is not valid"
    return name_of_file(path), f"line {line}: there is no such file"


def _split(name: str | None, line: int) -> Split | None:
    if name is None:
        return None
    if name.strip().lower() not in _SPLITS:
        raise ValueError(f"line {line} has the split {name!r}, wanted train, val or test")
    return _SPLITS[name.strip().lower()]
