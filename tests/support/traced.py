"""Reads a trace of system calls, and tells what a loss of power could still undo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CALLS = (
    "openat,open,creat,write,pwrite64,writev,pwritev,ftruncate,copy_file_range,sendfile,rename,"
    "renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,fsync,fdatasync"
)
MARK = "committed"

_CALL = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_HANDLE = re.compile(r"^(\d+)<([^>]*)>")
_HANDLES = re.compile(r"\d+<([^>]*)>")


def calls(trace: Path) -> Iterator[tuple[str, str]]:
    """Yield name and arguments of each call that succeeded, in the order in which they ended."""
    begun: dict[str, str] = {}
    for line in trace.read_text(errors="replace").splitlines():
        process, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            begun[process] = text.removesuffix("<unfinished ...>")
            continue
        if text.startswith("<... "):
            text = begun.pop(process, "") + text.partition(">")[2]
        found = _CALL.match(text)
        if found and not found[3].startswith("-"):
            yield found[1], found[2]


def undone_at_marks(trace: Path, place: Path) -> list[set[str]]:
    """Return, for each time that the mark was printed, what below `place` was not yet synced.

    A file counts until it is synced after it was last written, a folder until it is synced after a
    name in it was made or replaced.
    """
    state, marks = _State(str(place)), []
    for name, arguments in calls(trace):
        handle = _HANDLE.match(arguments)
        if name == "write" and handle and handle[1] == "1" and MARK in arguments:
            marks.append(set(state.undone))
        else:
            state.take(name, arguments, handle[2] if handle else "")
    return marks


class _State:
    def __init__(self, place: str) -> None:
        self.place = place
        self.undone: set[str] = set()

    def take(self, name: str, arguments: str, handle: str) -> None:
        names = _QUOTED.findall(arguments)
        if name in ("fsync", "fdatasync"):
            self.undone.discard(handle)
        elif name in ("write", "pwrite64", "writev", "pwritev", "ftruncate", "sendfile"):
            self._add(handle)
        elif name == "copy_file_range":
            self._add(_HANDLES.findall(arguments)[1])
        elif name in ("openat", "open", "creat", "mkdir", "mkdirat"):
            if name not in ("openat", "open") or "O_CREAT" in arguments:
                self._add(str(PurePosixPath(names[0]).parent))
        elif name.startswith(("rename", "link")):
            self._move(*names[:2], keep=name.startswith("link"))
        elif name.startswith("unlink"):
            self.undone.discard(names[0])

    def _add(self, path: str) -> None:
        if path.startswith(self.place) or path == str(PurePosixPath(self.place).parent):
            self.undone.add(path)

    def _move(self, old: str, new: str, *, keep: bool) -> None:
        for path in [one for one in self.undone if one == old or one.startswith(f"{old}/")]:
            self.undone.add(new + path.removeprefix(old))
            if not keep:
                self.undone.discard(path)
        self._add(str(PurePosixPath(new).parent))
