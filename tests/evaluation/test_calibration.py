from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.evaluation import expected_calibration_error


def test_against_the_definition_bin_by_bin():
    rng = np.random.default_rng(0)
    promised, happened = rng.random(500), rng.random(500) < 0.5
    total = 0.0
    for number in range(15):
        low, high = number / 15, (number + 1) / 15
        inside = (promised >= low) & (promised < high)
        if inside.any():
            total += inside.mean() * abs(promised[inside].mean() - happened[inside].mean())
    assert expected_calibration_error(promised, happened) == pytest.approx(total)


def test_honest_and_dishonest_probabilities():
    always, never = np.ones(4, bool), np.zeros(4, bool)
    assert expected_calibration_error(np.ones(4), always) == 0
    assert expected_calibration_error(np.ones(4), never) == 1


@pytest.mark.parametrize(
    ("promised", "happened"),
    [(np.zeros(0), np.zeros(0, bool)), (np.ones(2), np.ones(3, bool)), (np.full(1, 2.0), [True])],
)
def test_what_is_no_probability_is_refused(promised, happened):
    with pytest.raises(SettingsError):
        expected_calibration_error(promised, np.asarray(happened))
