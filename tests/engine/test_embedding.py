from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from lookalike.encoder import Embedded
from lookalike.engine.embedding import embed_queries
from lookalike.engine.queries import Query


class Gallery(SimpleNamespace):
    width = 2

    def rows(self, places: np.ndarray) -> np.ndarray:
        return np.stack([places, places], axis=1).astype(np.float32)


def picture(value: int) -> np.ndarray:
    return np.full((1, 1, 1), value, np.uint8)


def embed(pixels: np.ndarray) -> Embedded:
    values = pixels.reshape(-1, 1).astype(np.float32)
    return Embedded(np.hstack([values, -values]), values[:, 0] / 10)


def test_each_is_embedded_by_what_is_known_of_it():
    queries = [
        Query("new", -1, picture(3), None),
        Query("of the gallery", 7, None, None),
        Query("prepared", -1, picture(9), None, embedding=np.array([5, 6], np.float32), error=0.5),
        Query("changed file", 2, picture(4), None),
    ]
    found = embed_queries(queries, Gallery(), embed)
    assert found.embeddings.tolist() == [[3, -3], [7, 7], [5, 6], [4, -4]]
    assert [one.error for one in found.queries] == [
        pytest.approx(0.3),
        None,
        0.5,
        pytest.approx(0.4),
    ]
    assert [one.name for one in found.queries] == [one.name for one in queries]


def test_an_error_of_another_embedding_is_forgotten():
    old = Query("searched before", -1, picture(3), None, error=9.0)
    found = embed_queries([old], Gallery(), lambda pixels: Embedded(embed(pixels).embeddings))
    assert found.queries[0].error is None
