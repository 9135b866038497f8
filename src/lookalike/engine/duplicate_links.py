"""Pictures that are alike, and the groups that they make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lookalike.gallery import star_groups

__all__ = ["Links", "stars_of"]


@dataclass(eq=False)
class Links:
    """Pairs of pictures that are alike, each with its probability.

    Attributes:
        probabilities: by the places of both, the lower first.
    """

    probabilities: dict[tuple[int, int], float | None] = field(default_factory=dict)

    def add(self, one: int, other: int, probability: float | None) -> None:
        """Take a pair."""
        self.probabilities[min(one, other), max(one, other)] = probability

    def has(self, one: int, other: int) -> bool:
        """Whether two are a pair."""
        return (min(one, other), max(one, other)) in self.probabilities

    def of(self, one: int, other: int) -> float | None:
        """Return the probability of a pair."""
        return self.probabilities[min(one, other), max(one, other)]


def stars_of(
    links: Links, places: Sequence[int], key: Callable[[int], tuple[Any, ...]]
) -> list[list[int]]:
    """Return groups of linked places, and every other place alone; the one to keep first.

    Only what all others of a group are linked with may be kept: nothing goes away as the copy of
    something that it was not compared with.

    Args:
        links: between places.
        places: those that are grouped; links with others do not count.
        key: the least is kept, where it may be.
    """
    known = set(places)
    pairs = [pair for pair in links.probabilities if known.issuperset(pair)]
    linked = sorted({place for pair in pairs for place in pair}, key=key)
    rank = {place: number for number, place in enumerate(linked)}
    stars = []
    for star in star_groups(pairs, rank):
        kept = min((one for one in star if _is_centre(one, star, links)), key=rank.__getitem__)
        stars.append([kept, *(one for one in star if one != kept)])
    taken = {place for star in stars for place in star}
    return stars + [[place] for place in places if place not in taken]


def _is_centre(one: int, star: Sequence[int], links: Links) -> bool:
    return all(one == other or links.has(one, other) for other in star)
