"""Which of several copies to keep, and why, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Literal, get_args

from lookalike.errors import SettingsError
from lookalike.images.content import FileFacts

__all__ = ["KEEPS", "Candidate", "Keep", "KeepRule", "check_keep", "size_of"]

Keep = Literal["best", "largest", "oldest", "newest"]
KEEPS: tuple[Keep, ...] = get_args(Keep)

# What programs write into the name of a copy.
COPY_NAME = re.compile(r"(?i)(\bcopy\b|\bkopie\b|\bcopie\b|\bcopia\b|\(\d+\)$|~\d*$|_copy\b)")
# Files written within so many seconds are of one age: copying a folder takes a while, and some
# file systems know no shorter time.
SAME_AGE = 2


@dataclass(frozen=True)
class Candidate:
    """A picture that may be kept.

    Attributes:
        place: in the gallery.
        path: in the gallery.
        width: as displayed, in pixels.
        height: as displayed, in pixels.
        file_size: in bytes.
        modified: of the file, as a time stamp in seconds.
        facts: what its header says.
    """

    place: int
    path: str
    width: int
    height: int
    file_size: int
    modified: float
    facts: FileFacts

    @property
    def when(self) -> float:
        """When it was taken or, where it does not say, when the file was last changed."""
        taken = self.facts.taken
        return self.modified if taken is None else _seconds(taken)


@dataclass(frozen=True)
class _Criterion:
    """Something by which copies are told apart: the lower value is kept."""

    value: Callable[[Candidate], Any]
    why: Callable[[Candidate, Sequence[Candidate]], str]


@dataclass(frozen=True)
class KeepRule:
    """How to choose the copy to keep.

    Attributes:
        keep: "best" goes by pixels, format, size of the file, age and name; "largest" by the size
            of the file first, "oldest" and "newest" by age first.
        prefer: folders of the gallery; what is in or below the first of them is kept first.
    """

    keep: Keep = "best"
    prefer: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_keep(self.keep)

    def key(self, one: Candidate, *, edited: bool) -> tuple[Any, ...]:
        """Return what orders candidates; the least is kept.

        Args:
            one: the candidate.
            edited: the others show it changed, and not the same pixels.
        """
        return tuple(criterion.value(one) for criterion in self._criteria(edited))

    def reason(self, kept: Candidate, others: Sequence[Candidate], *, edited: bool) -> str:
        """Return why `kept` is kept and no other.

        Args:
            kept: the candidate to keep.
            others: all the others, one or more.
            edited: as for `key`.
        """
        rival = min(others, key=lambda one: self.key(one, edited=edited))
        for criterion in self._criteria(edited):
            mine, best = criterion.value(kept), criterion.value(rival)
            if mine < best:
                return criterion.why(kept, others)
            if mine > best:
                return "all the others are copies of it"
        return "first by name"

    def _criteria(self, edited: bool) -> tuple[_Criterion, ...]:
        preferred = _Criterion(self._preference, self._why_preferred)
        first = {
            "best": (),
            "largest": (_SIZE,),
            "oldest": (_AGE,),
            "newest": (_NEWNESS,),
        }[self.keep]
        quality = (_PIXELS, _FORMAT, _SIZE) if edited else (_DATED, _ORIGIN)
        return (_THERE, preferred, *first, *quality, _AGE, _NAME, _DEPTH, _LENGTH, _PATH)

    def _preference(self, one: Candidate) -> int:
        for number, folder in enumerate(self.prefer):
            if folder == "." and one.path.startswith("@"):
                continue  # in a further folder, not in the first
            if PurePosixPath(one.path).is_relative_to(PurePosixPath(folder)):
                return number
        return len(self.prefer)

    def _why_preferred(self, kept: Candidate, others: Sequence[Candidate]) -> str:
        return f"in {self.prefer[self._preference(kept)]}, which is preferred"


def check_keep(name: str) -> Keep:
    """Return `name` as a rule of what to keep.

    Raises:
        SettingsError: `name` is not one of `KEEPS`.
    """
    for keep in KEEPS:
        if name == keep:
            return keep
    raise SettingsError(f"unknown rule {name!r} of what to keep: wanted one of {', '.join(KEEPS)}")


def size_of(count: int) -> str:
    """Return a number of bytes in words.

    >>> size_of(900), size_of(53_000), size_of(2_400_000)
    ('900 bytes', '53 kB', '2.4 MB')
    """
    for unit, name in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if count >= unit:
            return f"{count / unit:.{1 if count < 10 * unit else 0}f} {name}".replace(".0 ", " ")
    return f"{count} bytes"


def _seconds(taken: datetime) -> float:
    return (taken - datetime(1970, 1, 1)).total_seconds()  # any year, unlike a timestamp


def _others(others: Sequence[Candidate], most: str, one: str) -> str:
    return f"the other {one}" if len(others) == 1 else f"the others {most}"


def _why_pixels(kept: Candidate, others: Sequence[Candidate]) -> str:
    next_best = max(others, key=lambda one: one.width * one.height)
    size = f"{next_best.width}×{next_best.height}"
    most = _others(others, f"at most {size}", f"is {size}")
    return f"{kept.width}×{kept.height}, {most}"


def _why_format(kept: Candidate, others: Sequence[Candidate]) -> str:
    most = max(one.facts.depth for one in others)
    if kept.facts.depth > most:
        rest = _others(others, f"at most {most}", f"has {most}")
        return f"{kept.facts.depth} bits a channel, {rest}"
    names = sorted({one.facts.format or "another" for one in others if not one.facts.lossless})
    return f"{kept.facts.format} keeps every pixel, {' and '.join(names)} {_do(names)} not"


def _do(names: Sequence[str]) -> str:
    return "does" if len(names) == 1 else "do"


def _why_size(kept: Candidate, others: Sequence[Candidate]) -> str:
    size = size_of(max(one.file_size for one in others))
    return f"{size_of(kept.file_size)}, {_others(others, f'at most {size}', f'has {size}')}"


def _why_dated(kept: Candidate, others: Sequence[Candidate]) -> str:
    return f"says when it was taken, {_others(others, 'have lost it', 'has lost it')}"


def _why_origin(kept: Candidate, others: Sequence[Candidate]) -> str:
    return f"{kept.facts.format}: what keeps every pixel of it was made from it"


def _day(one: Candidate) -> str:
    return f"{datetime.fromtimestamp(one.when):%Y-%m-%d %H:%M}"


# Of a file that cannot be opened nothing is known: it may be gone.
_THERE = _Criterion(lambda one: not one.facts.frames, lambda kept, _: "the only one to be read")
_PIXELS = _Criterion(lambda one: -one.width * one.height, _why_pixels)
_FORMAT = _Criterion(lambda one: (-one.facts.depth, not one.facts.lossless), _why_format)
_SIZE = _Criterion(lambda one: -one.file_size, _why_size)
_DATED = _Criterion(lambda one: one.facts.taken is None, _why_dated)
# A lossy file of the same pixels as a lossless one can only be what that was made from.
_ORIGIN = _Criterion(lambda one: one.facts.lossless, _why_origin)
_AGE = _Criterion(
    lambda one: (one.when // SAME_AGE, one.modified // SAME_AGE),
    lambda kept, _: f"the oldest, of {_day(kept)}",
)
_NEWNESS = _Criterion(
    lambda one: (-(one.when // SAME_AGE), -(one.modified // SAME_AGE)),
    lambda kept, _: f"the newest, of {_day(kept)}",
)
_NAME = _Criterion(
    lambda one: bool(COPY_NAME.search(PurePosixPath(one.path).stem)),
    lambda kept, _: "not a copy by its name",
)
_DEPTH = _Criterion(lambda one: one.path.count("/"), lambda kept, _: "in the fewest folders")
_LENGTH = _Criterion(lambda one: len(one.path), lambda kept, _: "the shortest path")
_PATH = _Criterion(lambda one: one.path, lambda kept, _: "first by name")
