"""How honest a probability is.

Source: Guo et al., "On Calibration of Modern Neural Networks" (2017), equation 3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import SettingsError

__all__ = ["expected_calibration_error"]

BINS = 15


def expected_calibration_error(
    probabilities: NDArray[np.float64], happened: NDArray[np.bool_], bins: int = BINS
) -> float:
    """Return how far, on average, a probability is from how often the thing happens.

    Probabilities are put into `bins` bins of equal width; each bin's mean probability is compared
    with its share of what happened; the differences are averaged, each bin weighted by its size.

    Args:
        probabilities: (P,), from 0 to 1.
        happened: bool (P,).
        bins: how many.

    Raises:
        SettingsError: there are none, they do not match, or are no probabilities.

    >>> round(expected_calibration_error(np.array([0.9, 0.9, 0.1]), np.array([True, False, False])), 3)
    0.3
    """  # noqa: E501 - the example
    if not len(probabilities) or probabilities.shape != happened.shape or bins < 1:
        raise SettingsError(
            f"{probabilities.shape} probabilities, {happened.shape} outcomes, {bins} bins: "
            "wanted equally many, at least one, in at least one bin"
        )
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise SettingsError("probabilities must be from 0 to 1")
    place = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    promised = np.bincount(place, probabilities, bins)
    kept = np.bincount(place, happened.astype(np.float64), bins)
    return float(np.abs(promised - kept).sum() / len(probabilities))
