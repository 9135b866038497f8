"""Fitting a calibration: isotonic regression for the probability, a logistic one for the rest.

Isotonic calibration: Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass
probability estimates" (2002).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import SettingsError
from lookalike.search.calibration import Calibration, Familiarity, quadratic

__all__ = ["fit_calibration", "fit_familiarity"]

# Of the copies that the familiarity is fitted on, so many are called unknown: a little less than
# one in twenty, so that others of their kind stay below that.
MISSED = 0.035
INVERSE_PENALTY = 0.1
ROUNDS = 2000
FOLDS = 4


def fit_calibration(
    random: NDArray[np.float64],
    scores: NDArray[np.float64],
    is_copy: NDArray[np.bool_],
    familiarity: Familiarity,
) -> Calibration:
    """Fit how probable it is that a hit of some score is a copy.

    Args:
        random: float64 (R,), scores of random pairs.
        scores: float64 (P,), scores of hits.
        is_copy: bool (P,), which of them are copies of their query.
        familiarity: fitted apart.

    Raises:
        SettingsError: there are no hits, or all or none of them are copies.
    """
    from sklearn.isotonic import IsotonicRegression

    if not is_copy.any() or is_copy.all():
        raise SettingsError(f"{int(is_copy.sum())} of {len(is_copy)} hits are copies: wanted some")
    # No finite number of examples makes certain.
    least = 1 / (len(scores) + 2)
    curve = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
    curve.fit(scores, is_copy.astype(np.float64))
    return Calibration(
        np.sort(random),
        np.asarray(curve.X_thresholds_, np.float64),
        np.asarray(curve.y_thresholds_, np.float64),
        familiarity,
    )


def fit_familiarity(
    known: NDArray[np.float64], unknown: NDArray[np.float64], groups: NDArray[np.int64]
) -> Familiarity:
    """Fit a logistic regression on evidence and its products that tells known from unknown.

    The threshold is such that a few in a hundred of the known are missed, counted on pictures
    that were left out of the fit.

    Args:
        known: float64 (P, F), evidence of queries whose like the gallery has.
        unknown: float64 (M, F), of queries whose like it has not.
        groups: int64 (P,), equal for evidence of one picture, which is left out together.

    Raises:
        SettingsError: one of the two is empty.
    """
    if not len(known) or not len(unknown):
        raise SettingsError(f"{len(known)} known and {len(unknown)} unknown: wanted some of each")
    both = np.concatenate([known, unknown])
    mean, scale = both.mean(axis=0), both.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1)
    first, second = quadratic((known - mean) / scale), quadratic((unknown - mean) / scale)
    left_out = np.zeros(len(known))
    for fold in range(FOLDS):
        out = groups % FOLDS == fold
        if out.any() and not out.all():
            weights, constant = _logistic(first[~out], second)
            left_out[out] = first[out] @ weights + constant
    weights, constant = _logistic(first, second)
    return Familiarity(mean, scale, weights, float(np.quantile(left_out, MISSED)) - constant)


def _logistic(
    known: NDArray[np.float64], unknown: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Return weights and constant of a penalised logistic regression, for columns as they are."""
    from sklearn.linear_model import LogisticRegression

    rows = np.concatenate([known, unknown])
    spread = rows.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1)
    labels = np.repeat([1, 0], [len(known), len(unknown)])
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=ROUNDS, class_weight="balanced")
    middle = rows.mean(axis=0)
    model.fit((rows - middle) / spread, labels)
    weights = np.asarray(model.coef_[0] / spread, np.float64)
    return weights, float(model.intercept_[0] - middle @ weights)
