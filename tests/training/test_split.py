from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import SettingsError
from lookalike.training import split_rows


@given(st.integers(1, 60), st.floats(0, 0.99), st.integers(0, 5))
def test_each_row_is_on_one_side_and_keeps_its_order(count, fraction, seed):
    rows = np.arange(count) * 3
    trains, validates = split_rows(rows, fraction, seed)
    assert sorted([*trains, *validates]) == list(rows)
    assert list(trains) == sorted(trains)
    assert list(validates) == sorted(validates)
    assert len(trains) >= 1


def test_the_share_is_what_was_asked_for_and_seeded():
    rows = np.arange(1000)
    trains, validates = split_rows(rows, 0.1, seed=0)
    assert (len(trains), len(validates)) == (900, 100)
    np.testing.assert_array_equal(validates, split_rows(rows, 0.1, seed=0)[1])
    assert set(validates) != set(split_rows(rows, 0.1, seed=1)[1])


def test_a_small_share_of_few_is_one_and_of_one_is_none():
    assert len(split_rows(np.arange(3), 0.1, seed=0)[1]) == 1
    assert len(split_rows(np.arange(1), 0.5, seed=0)[1]) == 0
    assert len(split_rows(np.arange(5), 0.0, seed=0)[1]) == 0
    assert [len(part) for part in split_rows(np.arange(0), 0.5, seed=0)] == [0, 0]


@pytest.mark.parametrize(("fraction", "seed"), [(1.0, 0), (-0.1, 0), (0.5, -1)])
def test_out_of_range(fraction, seed):
    with pytest.raises(SettingsError):
        split_rows(np.arange(5), fraction, seed)
