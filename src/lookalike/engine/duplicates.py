"""Duplicates in a gallery: the same bytes, the same pixels, edited copies, near shots."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.copy_evidence import CopyEvidence
from lookalike.engine.copy_facts import CopyFacts
from lookalike.engine.duplicate_groups import (
    DEFAULT_KINDS,
    KINDS,
    DuplicateGroup,
    Duplicates,
    Kind,
    check_kinds,
)
from lookalike.engine.duplicate_links import Links, stars_of
from lookalike.engine.files import gallery_folder
from lookalike.engine.keeping import KeepRule
from lookalike.engine.second_look import SecondLook, with_second_look
from lookalike.errors import SettingsError
from lookalike.types import OnProgress, Progress, silent

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts

__all__ = ["AT_LEAST", "find_duplicates"]

AT_LEAST = 0.5
"""Probability from which a picture counts as an edited copy, unless another is given."""

# Near shots: copies by so much, if not by enough, or alike and taken at one moment.
NEAR = 0.1


def find_duplicates(
    engine: EngineParts,
    *,
    kinds: Sequence[str] = DEFAULT_KINDS,
    at_least: float = AT_LEAST,
    where: str | None = None,
    rule: KeepRule | None = None,
    evidence: CopyEvidence | None = None,
    on_progress: OnProgress = silent,
) -> Duplicates:
    """Group the gallery's duplicates; see `Engine.duplicates`.

    Args:
        engine: whose gallery it is.
        kinds: of duplicates.
        at_least: probability from which a picture counts as an edited copy.
        where: SQL filter.
        rule: which of several copies to keep.
        evidence: of this engine, from searches before; what is new is added. None looks at all.
        on_progress: told how far each stage is.

    Raises:
        SettingsError: a kind is unknown, or the probability is out of range.
        GalleryError: `where` is not understood.
    """
    chosen = check_kinds(kinds)
    if not 0 < at_least < 1:
        raise SettingsError(
            f"at least {at_least:g} is no probability of a copy: wanted more than 0, less than 1"
        )
    rule = rule or KeepRule()
    rule = KeepRule(rule.keep, tuple(_preferred(engine, one) for one in rule.prefer))
    evidence = evidence or CopyEvidence(engine)
    facts = CopyFacts(evidence)
    return _Search(engine, chosen, at_least, rule, on_progress, evidence, facts).run(where)


def _preferred(engine: EngineParts, folder: str) -> str:
    """Return a folder whose pictures are to be kept, as the gallery's paths have it.

    Raises:
        SettingsError: no picture is in it.
    """
    name = gallery_folder(engine, folder)
    if name != "." and not any(path.startswith(f"{name}/") for path in engine.gallery.paths):
        raise SettingsError(
            f"no picture of the gallery is in {folder}, which is to be preferred: give a folder "
            "as the paths of a search have it"
        )
    return name


@dataclass(frozen=True)
class _Group:
    """Places in the gallery: the one to keep, and each other's kind and probability."""

    kept: int
    others: tuple[tuple[int, Kind, float | None], ...]
    reason: str


@dataclass(eq=False)
class _Search:
    """One search for duplicates, step by step; a class is a set of pictures of equal pixels."""

    engine: EngineParts
    kinds: tuple[Kind, ...]
    at_least: float
    rule: KeepRule
    on_progress: OnProgress
    evidence: CopyEvidence
    facts: CopyFacts
    notes: list[str] = field(default_factory=list)

    def run(self, where: str | None) -> Duplicates:
        gallery = self.engine.gallery
        chosen = gallery.positions(where)
        places = np.arange(len(gallery)) if chosen is None else chosen
        exact = self._exact(places)
        same = self._same_pixels(exact)
        groups, near = self._alike(exact, same)
        described = [self._describe(group) for group in groups]
        described.sort(key=lambda group: (KINDS.index(group.kind), -group.saves, group.kept.path))
        return Duplicates(
            tuple(_ranked(group, rank) for rank, group in enumerate(described, start=1)),
            len(places),
            self.kinds,
            self.at_least,
            self.engine.calibration is not None,
            near,
            tuple(self.notes),
            where,
            self.rule,
        )

    def _exact(self, places: NDArray[np.int64]) -> dict[int, list[int]]:
        """Return the pictures of each content, by the place of the one that stands for them."""
        contents: dict[str, list[int]] = {}
        for place in places.tolist():
            contents.setdefault(self.engine.gallery.sha256[place], []).append(place)
        if "exact" not in self.kinds:  # then nobody wants to see more than one of them
            return {members[0]: members[:1] for members in contents.values()}
        return {self._best(members, edited=False): members for members in contents.values()}

    def _same_pixels(self, exact: dict[int, list[int]]) -> dict[int, list[int]]:
        """Return the contents of the same pixels, by the place of the one that stands for them."""
        alone = {place: [place] for place in exact}
        if "same-pixels" not in self.kinds:
            return alone
        found = self.evidence.same_pixels(sorted(exact), self.on_progress)
        if found.unread:
            self.notes.append(self._unread(found.unread))
        for group in found.groups:
            for place in group:
                del alone[place]
        return alone | {self._best(group, edited=False): list(group) for group in found.groups}

    def _unread(self, count: int) -> str:
        pictures = "1 picture is" if count == 1 else f"{count:,} pictures are"
        place = shlex.quote(str(self.engine.layout.directory))
        return (
            f"{pictures} gone or changed, so the same pixels were not looked for there: "
            f"run `lookalike sync {place}`"
        )

    def _alike(
        self, exact: dict[int, list[int]], same: dict[int, list[int]]
    ) -> tuple[list[_Group], int]:
        """Return all groups, and how many pictures are near shots that were not asked for."""
        edited, near = self._linked(np.array(sorted(same), np.int64))
        stars = stars_of(edited, sorted(same), self._edited_key)
        by_centre = {star[0]: star for star in stars}
        merged: list[list[int]] = []
        for star in stars_of(near, list(by_centre), self._edited_key):
            fit = [one for one in star[1:] if _all_linked(star[0], by_centre[one], edited, near)]
            merged += [[star[0], *fit], *([one] for one in star[1:] if one not in fit)]
        wanted = "near" in self.kinds
        count = sum(len(star) - 1 for star in merged)
        merged = merged if wanted else [[centre] for centre in by_centre]
        groups = [
            self._group([by_centre[one] for one in star], edited, near, exact, same)
            for star in merged
        ]
        return [group for group in groups if group is not None], 0 if wanted else count

    def _linked(self, places: NDArray[np.int64]) -> tuple[Links, Links]:
        """Return which pictures are edited copies of each other, and which are near shots."""
        edited, near = Links(), Links()
        if not {"edited", "near"} & set(self.kinds) or len(places) < 2:
            return edited, near
        calibrated = self.engine.calibration is not None
        if not calibrated:
            self.notes.append(self._uncalibrated())
        pairs = self.evidence.likely_pairs(places, self.on_progress)
        look, stamp = SecondLook(self.engine), cache(self.evidence.seen)
        for done, pair in enumerate(pairs, start=1):
            agreed = self.evidence.agreed(pair, look, stamp)
            probability = with_second_look(pair.probability, agreed)
            shown = probability if calibrated else None
            if probability >= self.at_least:
                edited.add(pair.one, pair.other, shown)
            elif probability >= NEAR or self.facts.are_of_one_moment(pair):
                near.add(pair.one, pair.other, shown)
            self.on_progress(Progress("second look", done, len(pairs)))
        return (edited, near) if "edited" in self.kinds else (Links(), near)

    def _uncalibrated(self) -> str:
        place = shlex.quote(str(self.engine.layout.directory))
        return (
            "what scores mean here is not known, so edited copies are told by a second look "
            f"alone: `lookalike report {place}` learns it"
        )

    def _group(
        self,
        stars: Sequence[Sequence[int]],
        edited: Links,
        near: Links,
        exact: dict[int, list[int]],
        same: dict[int, list[int]],
    ) -> _Group | None:
        """Return stars of classes, the first with the one to keep, as one group of pictures."""
        kept, members = stars[0][0], list[tuple[int, Kind, float | None]]()
        for star in stars:
            for one in star:
                for content in same[one]:
                    for place in exact[content]:
                        if place == kept:
                            continue
                        if one == kept:
                            kind: Kind = "exact" if content == kept else "same-pixels"
                            members.append((place, kind, None))
                        elif star is stars[0]:
                            members.append((place, "edited", edited.of(kept, one)))
                        else:
                            links = near if near.has(kept, one) else edited
                            members.append((place, "near", links.of(kept, one)))
        if not members:
            return None
        members.sort(key=lambda one: (KINDS.index(one[1]), -(one[2] or 0), one[0]))
        return _Group(kept, tuple(members), self._reason(kept, stars, exact, same))

    def _reason(
        self,
        kept: int,
        stars: Sequence[Sequence[int]],
        exact: dict[int, list[int]],
        same: dict[int, list[int]],
    ) -> str:
        """Return why `kept` is kept, among what differs most from it."""
        different = [one for star in stars for one in star if one != kept]
        others = different or [one for one in same[kept] if one != kept]
        others = others or [one for one in exact[kept] if one != kept]
        return self.rule.reason(
            self.facts(kept), [self.facts(one) for one in others], edited=bool(different)
        )

    def _best(self, places: Sequence[int], *, edited: bool) -> int:
        if len(places) == 1:
            return places[0]
        return min(places, key=lambda one: self.rule.key(self.facts(one), edited=edited))

    def _edited_key(self, place: int) -> tuple[object, ...]:
        return self.rule.key(self.facts(place), edited=True)

    def _describe(self, group: _Group) -> DuplicateGroup:
        others = tuple(self.facts.copy(*one) for one in group.others)
        weakest = max((kind for _, kind, _ in group.others), key=KINDS.index)
        kept = self.facts.copy(group.kept, None, None)
        return DuplicateGroup(0, weakest, kept, others, group.reason)


def _all_linked(kept: int, star: Sequence[int], edited: Links, near: Links) -> bool:
    """Whether all pictures of a star were compared with the one to be kept, and are like it."""
    return all(near.has(kept, one) or edited.has(kept, one) for one in star)


def _ranked(group: DuplicateGroup, rank: int) -> DuplicateGroup:
    return DuplicateGroup(rank, group.kind, group.kept, group.others, group.reason)
