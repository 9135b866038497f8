from __future__ import annotations

import numpy as np
import pytest

from lookalike.gallery import ExactIndex
from lookalike.types import METRICS


def reference(vectors, query, metric):
    """Places by their score in the widest floats there are, ties by place."""
    vectors, query = vectors.astype(np.longdouble), query.astype(np.longdouble)
    if metric == "euclidean":
        scores = -((vectors - query) ** 2).sum(axis=1)
    else:
        scores = (vectors * query).sum(axis=1)
        if metric == "cosine":
            scores = scores / np.sqrt((vectors**2).sum(axis=1))
    return np.argsort(-scores, kind="stable")


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("scale", [1e-30, 1e-25, 1e19, 1e30])
def test_products_that_float32_cannot_hold_hide_no_neighbour(metric: str, scale: float):
    random = np.random.default_rng(0)
    vectors = (random.uniform(-1, 1, (3000, 8)) * scale).astype(np.float32)
    query = (random.uniform(-1, 1, (1, 8)) * scale).astype(np.float32)
    found = ExactIndex(vectors, metric).search(query, 10)
    assert found.positions[0].tolist() == reference(vectors, query[0], metric)[:10].tolist()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("width", [3, 16, 33, 128, 513])
def test_equal_pictures_tie_wherever_they_stand(metric: str, width: int):
    random = np.random.default_rng(1)
    for count in (7, 20, 50):
        vectors = np.repeat(random.normal(size=(1, width)).astype(np.float32), count, axis=0)
        queries = random.normal(size=(8, width)).astype(np.float32)
        found = ExactIndex(vectors, metric).search(queries, count)
        assert (found.positions == np.arange(count)).all()
        assert (found.scores == found.scores[:, :1]).all()
