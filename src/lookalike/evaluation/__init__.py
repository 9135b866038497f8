"""Measuring retrieval: metrics, protocols, baselines. Imports no torch."""

from __future__ import annotations

from lookalike.evaluation.baselines import BASELINES, Baseline
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
    "Baseline",
    "Metrics",
    "average_precision_at",
    "evaluate_queries",
    "knn_accuracy",
    "leave_one_out",
    "map_at_r",
    "ndcg_at",
    "precision_at",
    "recall_at",
]
