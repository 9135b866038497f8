"""Calibrations for engines too small to have one."""

from __future__ import annotations

import numpy as np

from lookalike.engine import Engine
from lookalike.engine.calibration_file import keep_calibration
from lookalike.search.calibration import Calibration, Curve, Familiarity, Judge


def calibrate(engine: Engine, low: float = 0.6, high: float = 0.95) -> None:
    """Say that a score of `high` is a copy's, and one of `low` is not."""
    nothing = Judge(np.zeros(1), np.ones(1), np.zeros(2), np.zeros(1))
    curve = Curve(np.array([low, high]), np.array([0.001, 0.95]))
    calibration = Calibration(np.array([0.0]), curve, curve, Familiarity(nothing, nothing, 0.0))
    keep_calibration(engine, calibration)
    engine.forget_calibration()
