"""Measuring retrieval: metrics, protocols, baselines. Imports no torch."""

from __future__ import annotations

from lookalike.evaluation.baselines import BASELINES, Baseline
from lookalike.evaluation.calibration import expected_calibration_error
from lookalike.evaluation.copies import CopiesBatch, measure_copies, sample_positions
from lookalike.evaluation.copies_report import CopiesReport, CopiesRow
from lookalike.evaluation.edits import EDITS, STRENGTHS, Edit, Strength
from lookalike.evaluation.foreign import FOREIGN, foreign_pictures
from lookalike.evaluation.metrics import (
    average_precision_at,
    knn_accuracy,
    map_at_r,
    ndcg_at,
    precision_at,
    recall_at,
)
from lookalike.evaluation.protocols import (
    COLUMNS,
    DEFINITIONS,
    Metrics,
    evaluate_queries,
    leave_one_out,
)

__all__ = [
    "BASELINES",
    "COLUMNS",
    "DEFINITIONS",
    "EDITS",
    "FOREIGN",
    "STRENGTHS",
    "Baseline",
    "CopiesBatch",
    "CopiesReport",
    "CopiesRow",
    "Edit",
    "Metrics",
    "Strength",
    "average_precision_at",
    "evaluate_queries",
    "expected_calibration_error",
    "foreign_pictures",
    "knn_accuracy",
    "leave_one_out",
    "map_at_r",
    "measure_copies",
    "ndcg_at",
    "precision_at",
    "recall_at",
    "sample_positions",
]
