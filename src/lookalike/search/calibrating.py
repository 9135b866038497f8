"""Fitting a calibration: isotonic regression for the probability, a logistic one for the rest.

Isotonic calibration: Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass
probability estimates" (2002).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import SettingsError
from lookalike.search.calibration import Curve, Familiarity, Judge, quadratic

__all__ = ["fit_curve", "fit_familiarity"]

# Of the copies that the familiarity is fitted on, so many are called unknown: a little less than
# one in twenty, so that others of their kind stay below that.
MISSED = 0.04
INVERSE_PENALTY = 0.1
ROUNDS = 2000
FOLDS = 4
QUANTILES = 1001


def fit_curve(scores: NDArray[np.float64], is_copy: NDArray[np.bool_]) -> Curve:
    """Fit how probable it is that a hit of some score is a copy.

    Args:
        scores: float64 (P,), of hits.
        is_copy: bool (P,), which of them are copies of their query.

    Raises:
        SettingsError: there are no hits.
    """
    from sklearn.isotonic import IsotonicRegression

    if not len(scores):
        raise SettingsError("0 hits to learn from: wanted some")
    # No finite number of examples makes certain.
    least = 1 / (len(scores) + 2)
    curve = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
    curve.fit(scores, is_copy.astype(np.float64))
    return Curve(
        np.asarray(curve.X_thresholds_, np.float64), np.asarray(curve.y_thresholds_, np.float64)
    )


def fit_familiarity(
    known: NDArray[np.float64],
    unknown: NDArray[np.float64],
    foreign: NDArray[np.float64],
    groups: NDArray[np.int64],
    *,
    errors: bool = False,
) -> Familiarity:
    """Fit the two judges, and a threshold at which they miss few of the known together.

    Ranks and threshold are of pictures that were left out of the fit.

    Args:
        known: float64 (P, F), evidence of queries whose like the gallery has.
        unknown: float64 (M, F), of queries whose kind it has not.
        foreign: float64 (L, F), of pictures that belong to no gallery.
        groups: int64 (P,), from 0, equal for evidence of one picture, which is left out together.
        errors: the last column is that of reconstruction errors.

    Raises:
        SettingsError: one of the three is empty.
    """
    if not (len(known) and len(unknown) and len(foreign)):
        raise SettingsError(
            f"{len(known)} known, {len(unknown)} of unknown kinds, {len(foreign)} foreign: "
            "wanted some of each"
        )
    width = known.shape[1] - errors
    kinds, first = _judge(known[:, :width], unknown[:, :width], groups)
    strangers, second = _judge(known, foreign, groups)
    lower = np.minimum(_ranks(kinds, first), _ranks(strangers, second))
    return Familiarity(kinds, strangers, float(np.quantile(lower, MISSED)))


def _ranks(judge: Judge, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.interp(scores, judge.known, np.linspace(0, 1, len(judge.known)))


def _judge(
    known: NDArray[np.float64], others: NDArray[np.float64], groups: NDArray[np.int64]
) -> tuple[Judge, NDArray[np.float64]]:
    """Return a judge, and what each of the known (P,) scores when it is left out of the fit."""
    both = np.concatenate([known, others])
    mean, scale = both.mean(axis=0), both.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1)
    first, second = quadratic((known - mean) / scale), quadratic((others - mean) / scale)
    weights, constant = _logistic(first, second)
    left_out = first @ weights  # stays so where there is nothing to leave out
    for fold in range(FOLDS):
        out = groups % FOLDS == fold
        if out.any() and not out.all():
            of_fold, own = _logistic(first[~out], second)
            left_out[out] = first[out] @ of_fold + own - constant
    quantiles = np.quantile(left_out, np.linspace(0, 1, QUANTILES))
    return Judge(mean, scale, weights, quantiles), left_out


def _logistic(
    known: NDArray[np.float64], others: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Return weights and constant of a penalised logistic regression, for columns as they are."""
    from sklearn.linear_model import LogisticRegression

    rows = np.concatenate([known, others])
    spread = rows.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1)
    labels = np.repeat([1, 0], [len(known), len(others)])
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=ROUNDS, class_weight="balanced")
    middle = rows.mean(axis=0)
    model.fit((rows - middle) / spread, labels)
    weights = np.asarray(model.coef_[0] / spread, np.float64)
    return weights, float(model.intercept_[0] - middle @ weights)
