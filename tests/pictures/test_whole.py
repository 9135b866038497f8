"""The layout of a whole gallery: any number of points, islands stay islands, samples suffice."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.pictures import AMONG, lay_out, nearest_points, place_among, whole


def blobs(count, groups=3, dimensions=8, seed=0):
    generator = np.random.default_rng(seed)
    group = np.arange(count) % groups
    middles = generator.normal(size=(groups, dimensions)) * 10
    return (middles[group] + generator.normal(size=(count, dimensions))).astype(np.float32), group


def share_of_own_group(places, group):
    distance = np.linalg.norm(places[:, None] - places[None, :], axis=2)
    np.fill_diagonal(distance, np.inf)
    return (group[distance.argmin(axis=1)] == group).mean()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 40])
def test_any_number_of_points_has_places_in_the_unit_square(count):
    places = lay_out(blobs(count)[0])
    assert places.shape == (count, 2)
    assert places.dtype == np.float32
    assert ((places >= 0) & (places <= 1)).all()
    assert len(np.unique(places, axis=0)) == count


def test_groups_stay_together_and_the_same_seed_gives_the_same_places():
    points, group = blobs(90)
    places = lay_out(points, 5)
    assert share_of_own_group(places, group) == 1
    assert np.array_equal(lay_out(points, 5), places)
    assert not np.array_equal(lay_out(points, 6), places)


def test_the_longer_side_fills_the_square_and_both_axes_have_one_scale():
    places = lay_out(blobs(60)[0])
    extent = places.max(axis=0) - places.min(axis=0)
    assert extent.max() == pytest.approx(0.98, abs=1e-3)
    assert places.mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.25)


def test_a_start_decides_where_things_stand():
    points, group = blobs(90, groups=2)
    first = lay_out(points)
    mirrored = lay_out(points, start=1 - first)
    one, other = (
        np.sign(places[group == 0].mean(axis=0) - places[group == 1].mean(axis=0))
        for places in (first, mirrored)
    )
    axis = np.abs(first[group == 0].mean(axis=0) - first[group == 1].mean(axis=0)).argmax()
    assert one[axis] == -other[axis]


def test_many_are_laid_out_by_a_sample(monkeypatch):
    monkeypatch.setattr(whole, "_SAMPLE", 60)
    points, group = blobs(240)
    told = []
    places = lay_out(points, on_progress=told.append)
    assert places.shape == (240, 2)
    assert share_of_own_group(places, group) == 1
    assert (told[-1].stage, told[-1].done, told[-1].total) == ("place", 180, 180)


def test_cells_find_nearly_the_neighbours_that_comparing_all_finds(monkeypatch):
    points = blobs(2000, groups=8)[0]
    exact = nearest_points(points, points[:200], 10)[1]
    monkeypatch.setattr("lookalike.pictures.descent._EXACT", 100)
    monkeypatch.setattr("lookalike.pictures.descent._CELLS", 16)
    monkeypatch.setattr("lookalike.pictures.descent._FITTED_ON", 60)
    found = nearest_points(points, points[:200], 10)[1]
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact, found, strict=True)]) > 0.95


def test_a_place_among_neighbours_is_never_in_the_gap_between_two_groups():
    left, right = np.full((7, 2), 0.1), np.full((5, 2), 0.9)
    (place,) = place_among(np.concatenate([right[:2], left, right[2:]])[None])
    assert place == pytest.approx([0.1, 0.1])


def test_of_two_equal_groups_that_of_the_closest_wins():
    places = np.array([[[0.9, 0.9], [0.1, 0.1]]])
    assert place_among(places)[0] == pytest.approx([0.9, 0.9])


def test_who_has_no_neighbour_stands_in_the_middle():
    assert place_among(np.full((2, AMONG, 2), np.nan)).tolist() == [[0.5, 0.5]] * 2
    assert place_among(np.zeros((1, 0, 2))).tolist() == [[0.5, 0.5]]


def test_pictures_of_the_same_neighbours_stand_beside_each_other():
    around = np.full((3, AMONG, 2), 0.4)
    places = place_among(around, np.array([7, 8, 9]))
    assert len(np.unique(places, axis=0)) == 3
    assert np.abs(places - 0.4).max() < 0.01
    assert np.array_equal(places, place_among(around, np.array([7, 8, 9])))
