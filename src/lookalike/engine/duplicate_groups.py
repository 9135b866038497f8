"""What `Engine.duplicates` returns: groups of copies, each with the one to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from lookalike.engine.keeping import KeepRule
from lookalike.errors import SettingsError

__all__ = ["DEFAULT_KINDS", "KINDS", "Copy", "DuplicateGroup", "Duplicates", "Kind", "check_kinds"]

Kind = Literal["exact", "same-pixels", "edited", "near"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""The strongest first."""

DEFAULT_KINDS: tuple[Kind, ...] = ("exact", "same-pixels", "edited")


@dataclass(frozen=True)
class Copy:
    """One picture of a group.

    Attributes:
        path: in the gallery.
        kind: what it is to the one that is kept; None for that one itself.
        probability: that it is an edited copy of it, for "edited" and "near"; None where it is
            certain, or where the engine has no calibration.
        width: as displayed, in pixels.
        height: as displayed, in pixels.
        file_size: in bytes; -1 where not known.
        modified: when the file was last changed.
        format: of the file, such as "JPEG"; "" where the file is gone.
        taken: when the camera took it; None where it does not say.
        sha256: of the file when it was indexed, in hex.
    """

    path: str
    kind: Kind | None
    probability: float | None
    width: int
    height: int
    file_size: int
    modified: datetime
    format: str
    taken: datetime | None
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        taken = None if self.taken is None else self.taken.isoformat()
        return {**asdict(self), "modified": self.modified.isoformat(), "taken": taken}


@dataclass(frozen=True)
class DuplicateGroup:
    """Copies of one picture.

    Attributes:
        rank: 1 is the first group.
        kind: the weakest kind among its copies.
        kept: the one to keep.
        others: the others, the strongest kind first, then the most probable.
        reason: why that one is kept.
    """

    rank: int
    kind: Kind
    kept: Copy
    others: tuple[Copy, ...]
    reason: str

    def __post_init__(self) -> None:
        kinds = [one.kind for one in self.others if one.kind is not None]
        if not kinds or len(kinds) != len(self.others) or self.kept.kind is not None:
            raise SettingsError(f"group {self.rank}: wanted one picture to keep, and its copies")
        if self.kind != max(kinds, key=KINDS.index):
            raise SettingsError(f"group {self.rank} is of kind {self.kind}, its copies are {kinds}")

    def __len__(self) -> int:
        return 1 + len(self.others)

    @property
    def copies(self) -> tuple[Copy, ...]:
        """All its pictures, the one to keep first."""
        return (self.kept, *self.others)

    @property
    def saves(self) -> int:
        """Bytes that all but the kept one take up."""
        return sum(max(0, one.file_size) for one in self.others)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "rank": self.rank,
            "kind": self.kind,
            "saves": self.saves,
            "reason": self.reason,
            "kept": self.kept.as_dict(),
            "others": [one.as_dict() for one in self.others],
        }


@dataclass(frozen=True)
class Duplicates:
    """The groups of copies in a gallery.

    Attributes:
        groups: the strongest kind first, then those that take up most.
        pictures: how many were compared.
        kinds: that were asked for.
        at_least: probability from which a picture counts as an edited copy.
        calibrated: whether the probabilities are; else a second look alone has decided.
        more_near: pictures that are near shots of another, where these were not asked for.
        notes: what the person should know, one line each.
        where: the filter that chose the pictures; None for all.
        rule: how it was chosen which to keep.
    """

    groups: tuple[DuplicateGroup, ...]
    pictures: int
    kinds: tuple[Kind, ...]
    at_least: float
    calibrated: bool
    more_near: int = 0
    notes: tuple[str, ...] = field(default=(), compare=False)
    where: str | None = None
    rule: KeepRule = field(default_factory=KeepRule)

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def others(self) -> int:
        """How many pictures are not kept."""
        return sum(len(group.others) for group in self.groups)

    @property
    def saves(self) -> int:
        """Bytes that these take up."""
        return sum(group.saves for group in self.groups)

    def count(self, kind: Kind) -> int:
        """Return how many pictures are of a kind."""
        return sum(one.kind == kind for group in self.groups for one in group.others)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "pictures": self.pictures,
            "kinds": list(self.kinds),
            "at_least": self.at_least,
            "calibrated": self.calibrated,
            "copies": {kind: self.count(kind) for kind in self.kinds},
            "more_near": self.more_near,
            "saves": self.saves,
            "notes": list(self.notes),
            "groups": [group.as_dict() for group in self.groups],
        }


def check_kinds(names: Sequence[str]) -> tuple[Kind, ...]:
    """Return names as kinds, the strongest first.

    Raises:
        SettingsError: one is unknown, or there is none.
    """
    unknown = [name for name in names if name not in KINDS]
    if unknown or not names:
        got = repr(unknown[0]) if unknown else "none"
        raise SettingsError(f"unknown kind {got} of duplicates: wanted some of {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in names)
