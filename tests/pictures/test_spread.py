"""The map's geometry, against slow references."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.pictures.spread import cells, push_apart, scale_to_page


def random(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 2))


@pytest.mark.parametrize("count", [1, 2, 36, 2000])
def test_scaled_points_fill_the_page_and_keep_its_shape(count):
    places, height = scale_to_page(random(count), 800, (400, 800))
    assert 400 <= height <= 800
    assert (places >= 0).all()
    assert (places <= (800, height)).all()
    if count > 1:
        share = np.ptp(places, axis=0) / (800, height)
        assert share.max() == pytest.approx(1, abs=0.01)


def test_both_axes_have_one_scale():
    points = random(50)
    places, _ = scale_to_page(points, 800, (400, 800))
    ratio = np.ptp(places, axis=0) / np.ptp(points, axis=0)
    assert ratio[0] == pytest.approx(ratio[1])


def test_one_far_outlier_does_not_shrink_a_large_map():
    points = np.vstack([random(2000), [[1e6, 1e6]]])
    places, height = scale_to_page(points, 800, (400, 800))
    assert np.ptp(places[:2000], axis=0).min() > 0.5 * height


@pytest.mark.parametrize("count", [2, 36, 200])
def test_pushed_rectangles_hardly_overlap_and_stay_on_the_page(count):
    page, side = (1000, 900), np.sqrt(0.36 * 1000 * 900 / count)
    places, _ = scale_to_page(random(count), 1000, (900, 900))
    sizes = np.full((count, 2), side)
    moved = push_apart(places, sizes, page)
    apart = np.abs(moved[:, None] - moved[None, :])
    overlap = np.maximum(side - apart, 0).prod(axis=2)
    np.fill_diagonal(overlap, 0)
    assert overlap.max() < 0.1 * side**2
    assert (moved >= side / 2 - 1e-9).all()
    assert (moved <= np.array(page) - side / 2 + 1e-9).all()


def test_rectangles_at_one_place_part():
    moved = push_apart(np.full((5, 2), 300.0), np.full((5, 2), 50.0), (600, 600))
    apart = np.abs(moved[:, None] - moved[None, :]).max(axis=2) + 99 * np.eye(5)
    assert apart.min() > 45


def test_rectangles_apart_stay():
    places = np.array([[100.0, 100.0], [300.0, 100.0]])
    assert np.array_equal(push_apart(places, np.full((2, 2), 50.0), (600, 600)), places)


def test_each_cell_has_its_nearest_point():
    page, size = (300, 200), 34
    places, _ = scale_to_page(random(500), *[300, (200, 200)])
    chosen, corners = cells(places, page, size)
    columns, rows = -(-300 // size), -(-200 // size)
    expected = {}
    for point, (x, y) in enumerate(places):
        column, row = min(int(x // size), columns - 1), min(int(y // size), rows - 1)
        far = max(abs(x - (column + 0.5) * size), abs(y - (row + 0.5) * size))
        best = expected.get((column, row))
        if best is None or far < best[0]:
            expected[column, row] = (far, point)
    got = {
        (x // size, y // size): point
        for point, (x, y) in zip(chosen.tolist(), corners.tolist(), strict=True)
    }
    assert got == {cell: point for cell, (_, point) in expected.items()}
