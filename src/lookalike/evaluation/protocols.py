"""How a retrieval is measured: queries against a gallery, or leave-one-out within it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import SettingsError
from lookalike.evaluation.metrics import (
    average_precision_at,
    knn_accuracy,
    map_at_r,
    ndcg_at,
    precision_at,
    recall_at,
)
from lookalike.evaluation.ranking import rank
from lookalike.types import Metric, check_metric

__all__ = ["COLUMNS", "DEFINITIONS", "Metrics", "evaluate_queries", "leave_one_out"]

DEPTH = 1000
VOTERS = 10

COLUMNS = {
    "p_at_1": "P@1",
    "p_at_5": "P@5",
    "p_at_10": "P@10",
    "r_at_10": "R@10",
    "map_at_1000": "mAP@1000",
    "map_at_r": "MAP@R",
    "ndcg_at_10": "nDCG@10",
    "knn_accuracy": "kNN",
}
DEFINITIONS = {
    "P@k": "share of the first k hits that have the query's label",
    "R@10": "share of all R pictures with the query's label that are among the first 10 hits",
    "mAP@1000": "mean of the precisions at the right ranks up to 1000, divided by min(R, 1000)",
    "MAP@R": "mean of the precisions at the right ranks up to R, divided by R",
    "nDCG@10": "right hits among the first 10, discounted by 1 / log2(rank + 1), over the best "
    "possible",
    "kNN": "share of queries whose label is the commonest among their 10 nearest",
}


@dataclass(frozen=True)
class Metrics:
    """Means over the queries; each is defined in `lookalike.evaluation.metrics`.

    Attributes:
        p_at_1: precision at 1.
        p_at_5: precision at 5.
        p_at_10: precision at 10.
        r_at_10: recall at 10, divided by R.
        map_at_1000: mean average precision at 1000, divided by min(R, 1000).
        map_at_r: MAP@R.
        ndcg_at_10: nDCG at 10.
        knn_accuracy: of a vote among the 10 nearest.
        queries: queries measured.
        gallery: labelled pictures searched.
        left_out: queries without a label or without a right answer in the gallery.
    """

    p_at_1: float
    p_at_5: float
    p_at_10: float
    r_at_10: float
    map_at_1000: float
    map_at_r: float
    ndcg_at_10: float
    knn_accuracy: float
    queries: int
    gallery: int
    left_out: int = 0

    def __post_init__(self) -> None:
        for name in COLUMNS:
            value = getattr(self, name)
            if not 0 <= value <= 1 + 1e-9:
                raise SettingsError(f"{name} is {value}: wanted between 0 and 1")

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


def evaluate_queries(
    gallery: NDArray[np.float32],
    gallery_labels: Sequence[str | None],
    queries: NDArray[np.float32],
    query_labels: Sequence[str | None],
    metric: Metric,
    same: Mapping[int, Sequence[int]] | None = None,
) -> Metrics:
    """Measure queries against a gallery that does not hold them, but for those in `same`.

    Unlabelled pictures of the gallery are not searched, unlabelled queries are left out.

    Args:
        gallery: embeddings (N, D).
        gallery_labels: N labels.
        queries: embeddings (Q, D).
        query_labels: Q labels.
        metric: "euclidean", "cosine" or "inner".
        same: to places of queries, those in the gallery that they must not find: the same pictures.

    Raises:
        SettingsError: no query has a right answer, or the arguments do not match.
    """
    return _measure(gallery, gallery_labels, queries, query_labels, metric, own=False, same=same)


def leave_one_out(
    embeddings: NDArray[np.float32], labels: Sequence[str | None], metric: Metric
) -> Metrics:
    """Measure every labelled picture of a gallery against all the others.

    Args:
        embeddings: (N, D).
        labels: N labels.
        metric: "euclidean", "cosine" or "inner".

    Raises:
        SettingsError: no picture shares its label with another, or the arguments do not match.
    """
    return _measure(embeddings, labels, embeddings, labels, metric, own=True)


def _measure(
    gallery: NDArray[np.float32],
    gallery_labels: Sequence[str | None],
    queries: NDArray[np.float32],
    query_labels: Sequence[str | None],
    metric: Metric,
    *,
    own: bool,
    same: Mapping[int, Sequence[int]] | None = None,
) -> Metrics:
    _check(gallery, gallery_labels, queries, query_labels)
    searched = np.array([label is not None for label in gallery_labels], bool)
    names, numbers = np.unique(
        np.array([label for label in gallery_labels if label is not None], object).astype(str),
        return_inverse=True,
    )
    number_of = {str(name): number for number, name in enumerate(names)}
    wanted = np.array([number_of.get(label or "", -1) for label in query_labels], np.int64)
    wanted[[label is None for label in query_labels]] = -1
    counts = np.append(np.bincount(numbers, minlength=len(names)), 0)
    totals = np.where(wanted >= 0, counts[wanted] - int(own), 0)
    place = np.cumsum(searched) - 1
    hidden = {
        query: place[[one for one in places if searched[one]]]
        for query, places in (same or {}).items()
    }
    for query, places in hidden.items():
        totals[query] -= np.count_nonzero(numbers[places] == wanted[query])
    asked = np.flatnonzero(totals > 0)
    if not len(asked):
        raise SettingsError(
            "nothing to measure by: no query shares a label with a picture of the gallery; "
            "sort the pictures into sub-folders, or give a list with labels"
        )
    depth = max(DEPTH, int(totals.max()))
    rankings = rank(
        gallery[searched],
        queries[asked],
        check_metric(metric),
        depth=depth + max(map(len, hidden.values()), default=0),
        leave_out=place[asked] if own else None,
    )
    values: dict[str, list[NDArray[np.float64]]] = {name: [] for name in COLUMNS}
    for start, ranking in rankings:
        part = asked[start : start + len(ranking)]
        found = _labels_found(ranking, numbers, [hidden.get(int(query)) for query in part], depth)
        for name, value in _values(found, wanted[part], totals[part]).items():
            values[name].append(value)
    means = {name: float(np.concatenate(parts).mean()) for name, parts in values.items()}
    return Metrics(
        **means,
        queries=len(asked),
        gallery=int(searched.sum()),
        left_out=len(query_labels) - len(asked),
    )


def _labels_found(
    ranking: NDArray[np.int64],
    numbers: NDArray[np.int64],
    hidden: Sequence[NDArray[np.int64] | None],
    depth: int,
) -> NDArray[np.int64]:
    """Return the labels (Q, depth) at the places of a ranking; hidden places close up.

    At the end, where there are too few, stands -1, which is no label.
    """
    found = numbers[ranking]
    for row, places in enumerate(hidden):
        if places is not None and len(places):
            kept = found[row][~np.isin(ranking[row], places)]
            found[row] = np.append(kept, np.full(found.shape[1] - len(kept), -1))
    return found[:, :depth]


def _values(
    found: NDArray[np.int64], wanted: NDArray[np.int64], totals: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """Return every metric of queries whose hits have the labels `found` (Q, depth)."""
    relevant = found == wanted[:, None]
    votes = [[str(label) for label in row] for row in found[:, :VOTERS]]
    return {
        "p_at_1": precision_at(relevant, 1),
        "p_at_5": precision_at(relevant, 5),
        "p_at_10": precision_at(relevant, 10),
        "r_at_10": recall_at(relevant, totals, 10),
        "map_at_1000": average_precision_at(relevant, totals, DEPTH),
        "map_at_r": map_at_r(relevant, totals),
        "ndcg_at_10": ndcg_at(relevant, totals, 10),
        "knn_accuracy": knn_accuracy(votes, [str(label) for label in wanted], VOTERS),
    }


def _check(
    gallery: NDArray[np.float32],
    gallery_labels: Sequence[str | None],
    queries: NDArray[np.float32],
    query_labels: Sequence[str | None],
) -> None:
    if len(gallery) != len(gallery_labels) or len(queries) != len(query_labels):
        raise SettingsError(
            f"labels do not match: {len(gallery)} pictures and {len(gallery_labels)} labels, "
            f"{len(queries)} queries and {len(query_labels)} labels"
        )
    if gallery.ndim != 2 or queries.ndim != 2 or gallery.shape[1] != queries.shape[1]:
        raise SettingsError(f"gallery is {gallery.shape}, queries {queries.shape}: widths differ")
    if not (np.isfinite(gallery).all() and np.isfinite(queries).all()):
        raise SettingsError("embeddings hold NaN or infinity: train the encoder again")
