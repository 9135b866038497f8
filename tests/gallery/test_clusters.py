"""k-means over embeddings."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.gallery import Partition, k_means


def blobs(*sizes: int, spread: float = 0.1) -> np.ndarray:
    random = np.random.default_rng(0)
    centres = 5 * np.eye(len(sizes), 8)
    points = np.repeat(centres, sizes, axis=0) + spread * random.standard_normal((sum(sizes), 8))
    return points.astype(np.float32)


def test_blobs_are_found_the_largest_first():
    groups = k_means(blobs(5, 20, 10), 3, seed=0).groups
    assert [sorted(group) for group in groups] == [
        list(range(5, 25)),
        list(range(25, 35)),
        list(range(5)),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_each_point_is_in_the_group_of_its_nearest_centre(seed: int):
    points = np.random.default_rng(seed).standard_normal((200, 6)).astype(np.float32)
    partition = k_means(points, 7, seed)
    groups, centres = partition.groups, partition.centres.astype(np.float64)
    assert sorted(np.concatenate(groups)) == list(range(200))
    far = np.array([[np.linalg.norm(point - centre) for centre in centres] for point in points])
    for number, group in enumerate(groups):
        assert (far[group].argmin(axis=1) == number).all()
        own = far[group, number]
        assert (np.diff(own) > -1e-6).all()
        # Converged, or nearly so: a centre is the mean of its points.
        np.testing.assert_allclose(points[group].mean(axis=0), centres[number], atol=0.1)
    sizes = [len(group) for group in groups]
    assert sizes == sorted(sizes, reverse=True)


def test_the_best_of_several_starts_is_near_the_best_there_is():
    """Eight pairs of blobs: a bad start merges two of them and pays for it."""
    points = blobs(*[12] * 8, spread=0.05)
    for seed in range(5):
        assert [len(group) for group in k_means(points, 8, seed).groups] == [12] * 8


def test_the_same_seed_gives_the_same_groups():
    points = np.random.default_rng(1).standard_normal((300, 5)).astype(np.float32)
    first, again, other = (k_means(points, 6, seed).groups for seed in (3, 3, 4))
    assert [group.tolist() for group in first] == [group.tolist() for group in again]
    assert [group.tolist() for group in first] != [group.tolist() for group in other]


def test_equal_points_make_no_empty_groups(capfd: pytest.CaptureFixture[str]):
    points = np.repeat(np.eye(3, 4, dtype=np.float32), 4, axis=0)
    groups = k_means(points, 7, seed=0).groups
    assert [group.tolist() for group in groups] == [
        [0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11],
    ]  # fmt: skip
    assert [len(group) for group in k_means(points[:2], 9, seed=0).groups] == [2]
    assert capfd.readouterr() == ("", "")


def test_distances_in_blocks_are_the_same(monkeypatch: pytest.MonkeyPatch):
    points = blobs(5, 20, 10)
    whole = k_means(points, 4, 0).groups
    monkeypatch.setattr("lookalike.gallery.clusters.BLOCK", 4)
    assert [g.tolist() for g in k_means(points, 4, 0).groups] == [g.tolist() for g in whole]


def test_bad_settings_are_one_line():
    points = blobs(3)
    with pytest.raises(SettingsError, match="0 clusters: wanted 1 or more"):
        k_means(points, 0, 0)
    with pytest.raises(SettingsError, match=r"wanted 0 to 2\*\*31 - 1"):
        k_means(points, 1, 2**31)
    with pytest.raises(SettingsError, match="a member in each"):
        Partition((np.zeros(0, np.int64),), np.zeros((1, 2), np.float32))
