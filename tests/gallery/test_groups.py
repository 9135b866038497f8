"""Groups from pairs: no chains, nothing twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lookalike.gallery import star_groups

PAIRS = st.sets(
    st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda pair: pair[0] < pair[1])
)


def test_a_chain_is_no_group():
    # a ~ b ~ c ~ d ~ e, and no two others
    groups = star_groups([(0, 1), (1, 2), (2, 3), (3, 4)], {place: place for place in range(5)})
    assert groups == [[1, 0, 2], [3, 4]]


def test_the_centre_is_what_most_are_linked_with():
    rank = {place: place for place in range(6)}
    assert star_groups([(0, 5), (5, 1), (5, 2), (5, 3)], rank) == [[5, 0, 1, 2, 3]]
    assert star_groups([], {}) == []


def test_of_several_centres_the_first_by_rank():
    assert star_groups([(7, 9), (8, 9), (7, 8)], {7: 2, 8: 0, 9: 1}) == [[8, 9, 7]]


@given(PAIRS)
def test_every_member_is_linked_with_its_centre_and_none_is_left_out(pairs: set[tuple[int, int]]):
    rank = {place: -place for pair in pairs for place in pair}
    groups = star_groups(sorted(pairs), rank)
    assert groups == star_groups(sorted(pairs, reverse=True), rank)
    members = [one for group in groups for one in group]
    assert len(members) == len(set(members))
    for centre, *others in groups:
        assert others
        assert all((min(centre, one), max(centre, one)) in pairs for one in others)
    # Whoever is alone has no free partner.
    alone = set(rank) - set(members)
    assert not any(one in alone and other in alone for one, other in pairs)
