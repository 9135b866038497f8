from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from lookalike.errors import SettingsError
from lookalike.whitening import Whitening, fit_whitening


def slow_whitening(rows, power=0.5):
    """By the eigenvectors of the covariance, one axis at a time, in float64."""
    rows = rows.astype(np.float64)
    centred = rows - rows.mean(axis=0)
    values, vectors = np.linalg.eig(np.cov(centred.T, bias=True))
    columns = []
    for axis in np.argsort(-values.real):
        deviation = np.sqrt(values.real[axis])
        columns.append(centred @ vectors[:, axis].real / deviation**power)
    return np.stack(columns, axis=1)


def sample(count=500, width=6, seed=0):
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(count, width)) @ random.normal(size=(width, width))
    return (mixed * 3 + 5).astype(np.float32)


def test_it_agrees_with_an_eigen_decomposition():
    rows = sample()
    expected = slow_whitening(rows)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = fit_whitening(rows).apply(rows)
    signs = np.sign((found * expected).sum(axis=0))  # an eigenvector may point either way
    np.testing.assert_allclose(found * signs, expected, atol=2e-4)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_the_deviation_of_each_axis_becomes_its_root():
    rows = sample()
    fitted = fit_whitening(rows)
    rotated = (rows - fitted.mean) @ fitted.components.T
    np.testing.assert_allclose(rotated.std(axis=0), fitted.scale**2, rtol=1e-3)
    np.testing.assert_allclose((rotated / fitted.scale).std(axis=0), fitted.scale, rtol=1e-3)
    np.testing.assert_allclose(fitted.components @ fitted.components.T, np.eye(6), atol=1e-5)
    assert (np.diff(fitted.scale) <= 1e-6).all()


def test_power_and_dimensions():
    rows = sample()
    np.testing.assert_allclose(fit_whitening(rows, power=0).scale, 1)
    assert fit_whitening(rows, dimensions=2).apply(rows).shape == (500, 2)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 12))
def test_any_shape_gives_finite_rows(count: int, width: int):
    rows = sample(count, width)
    found = fit_whitening(rows).apply(rows)
    assert np.isfinite(found).all()
    assert found.shape[1] <= max(1, min(width, count))


def test_axes_without_variance_are_dropped():
    rows = sample()
    rows[:, 3] = 7
    rows[:, 4] = rows[:, 0]
    assert fit_whitening(rows).components.shape == (4, 6)
    same = np.ones((10, 3), np.float32)
    np.testing.assert_array_equal(fit_whitening(same).apply(same), np.zeros((10, 1)))


def test_what_does_not_fit_is_refused():
    with pytest.raises(SettingsError, match="NaN"):
        fit_whitening(np.full((3, 2), np.nan, np.float32))
    with pytest.raises(SettingsError, match="above 0"):
        fit_whitening(np.zeros((0, 2), np.float32))
    with pytest.raises(SettingsError, match=r"wanted \(N, 6\)"):
        fit_whitening(sample()).apply(np.zeros((2, 5), np.float32))
    with pytest.raises(SettingsError, match="does not fit together"):
        Whitening(np.zeros(3, np.float32), np.zeros((2, 4), np.float32), np.ones(2, np.float32))


@pytest.mark.parametrize("dimensions", [0, -1])
def test_at_least_one_axis_is_kept(dimensions: int):
    with pytest.raises(SettingsError, match="wanted 1 or more"):
        fit_whitening(sample(), dimensions=dimensions)
    with pytest.raises(SettingsError, match="both above 0"):
        fit_whitening(np.zeros((3, 0), np.float32))
