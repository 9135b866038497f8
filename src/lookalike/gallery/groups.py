"""From pairs to groups in which every member is linked with the group's centre."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["star_groups"]


def star_groups(pairs: Iterable[tuple[int, int]], rank: Mapping[int, int]) -> list[list[int]]:
    """Part linked things into stars: a centre, and what is linked with it.

    Chains are not followed: where A is linked with B and B with C, but A not with C, C does not
    get into a group with A that B is not the centre of. The thing with the most links that are
    still free becomes a centre first; of several, the one of the lowest rank.

    Args:
        pairs: links between different things.
        rank: of every thing in `pairs`; the same for no two.

    Returns:
        Groups of two or more things, the centre first, then by rank. Each thing is in one at most.

    >>> star_groups([(0, 1), (1, 2), (2, 3)], {0: 0, 1: 1, 2: 2, 3: 3})
    [[1, 0, 2]]
    """
    links: dict[int, set[int]] = {}
    for one, other in pairs:
        links.setdefault(one, set()).add(other)
        links.setdefault(other, set()).add(one)
    waiting = [(-len(others), rank[one], one) for one, others in links.items()]
    heapq.heapify(waiting)
    groups: list[list[int]] = []
    while waiting:
        count, place, centre = heapq.heappop(waiting)
        free = links.get(centre)
        if not free:  # taken, or nothing is left to link with
            continue
        if len(free) < -count:  # some have been taken since: it has to wait for its turn
            heapq.heappush(waiting, (-len(free), place, centre))
            continue
        members = sorted(free, key=rank.__getitem__)
        groups.append([centre, *members])
        _take(links, [centre, *members])
    return sorted(groups, key=lambda group: min(rank[one] for one in group))


def _take(links: dict[int, set[int]], members: Sequence[int]) -> None:
    """Take members out of the links of all others."""
    for member in members:
        for other in links.pop(member, ()):
            if other in links:
                links[other].discard(member)
