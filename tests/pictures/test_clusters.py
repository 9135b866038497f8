"""A row for each cluster: its average, its words, its members."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.pictures import ClusterCell, ClusterRow, draw_clusters
from lookalike.pictures.style import ACCENT


def tile(value: int) -> np.ndarray:
    return np.full((28, 28, 3), (value, 0, 255 - value), np.uint8)


def row(number: int, members: int = 3, *, average: bool = True, caption: str = "cat") -> ClusterRow:
    return ClusterRow(
        tile(10 * number) if average else None,
        f"Cluster {number}",
        ("12 pictures", "10% of all", ""),
        tuple(ClusterCell(tile(10 * number + m), caption) for m in range(1, members + 1)),
    )


def box(image, value):
    found = np.argwhere((np.asarray(image) == (value, 0, 255 - value)).all(axis=2))
    return found.min(axis=0), found.max(axis=0)


def test_the_average_stands_framed_before_the_members():
    image = draw_clusters([row(1), row(2, members=8), row(3, members=1)], "title")
    pixels, bottoms = np.asarray(image), [0]
    for number, members in ((1, 3), (2, 8), (3, 1)):
        corners = [box(image, 10 * number + m) for m in range(members + 1)]
        tops = {int(first[0]) for first, _ in corners}
        lefts = [int(first[1]) for first, _ in corners]
        assert len(tops) == 1
        assert lefts == sorted(lefts)
        assert lefts[1] - lefts[0] > 200  # the words stand between
        top, left = corners[0][0]
        assert tuple(pixels[top - 3, left + 5]) == tuple(pixels[top + 5, left - 3]) == ACCENT
        assert top > bottoms[-1] + 20
        bottoms.append(int(corners[0][1][0]))


def test_without_averages_their_place_is_not_kept():
    whole = draw_clusters([row(1), row(2)])
    bare = draw_clusters([row(1, average=False), row(2, average=False)])
    assert bare.width < whole.width - 100
    assert not (np.asarray(bare) == ACCENT).all(axis=2).any()
    some = draw_clusters([row(1), row(2, average=False)])
    assert some.size == whole.size
    assert box(some, 21)[0].tolist() == box(whole, 21)[0].tolist()


def test_the_words_are_written():
    whole = draw_clusters([row(1)])
    assert draw_clusters([row(1)], note="no averages").height > whole.height
    assert draw_clusters([row(1, caption="")]).height < whole.height
    assert draw_clusters([row(2)]).size == whole.size


def test_nothing_is_not_drawn():
    with pytest.raises(SettingsError, match="got no clusters"):
        draw_clusters([])
