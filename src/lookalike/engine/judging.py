"""Saying of hits what their scores mean in this gallery."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.search import EVIDENCE_DEPTH, evidence
from lookalike.types import Hits, check_metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lookalike.engine.facade import Engine

__all__ = ["judge_all"]


def judge_all(
    engine: Engine,
    found: Sequence[Hits],
    queries: NDArray[np.float32],
    exclude: NDArray[np.int64] | None,
) -> list[Hits]:
    """Return hits with probability, percentile and band, if the engine has a calibration.

    Whatever ordered the hits (expansion, re-ranking, a balance, a filter), they are judged by the
    plain similarity that was calibrated, and whether anything is like the query is asked of the
    whole gallery.

    Args:
        engine: whose hits they are.
        found: of each query.
        queries: float32 (Q, D), their plain embeddings.
        exclude: int64 (Q,), the place each query must not find, or -1.
    """
    calibration = engine.calibration
    if calibration is None or not len(found):
        return list(found)
    index = engine.index(check_metric(engine.manifest.metric))
    near = index.search(queries, EVIDENCE_DEPTH, exclude=exclude)
    known = calibration.familiarity.knows(
        evidence(index.embeddings, queries, near, engine.encoder.widths)
    )
    return [
        calibration.judge(
            hits, index.score(query[None], _places(engine, hits))[0], known=bool(is_known)
        )
        for hits, query, is_known in zip(found, queries, known, strict=True)
    ]


def _places(engine: Engine, hits: Hits) -> NDArray[np.int64]:
    """Return the places (1, k) of hits in the gallery."""
    found = [engine.gallery.position(hit.path) for hit in hits]
    return np.array([[place for place in found if place is not None]], np.int64).reshape(1, -1)
