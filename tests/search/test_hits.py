from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lookalike.errors import QueryError, SettingsError
from lookalike.gallery import ExactIndex, Gallery, GalleryRows, write_gallery
from lookalike.search import SearchSettings, search, search_examples


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    count = 40
    random = np.random.default_rng(0)
    rows = GalleryRows(
        paths=[f"{number}.png" for number in range(count)],
        labels=["rare" if number % 10 == 0 else "common" for number in range(count)],
        splits=[None] * count,
        widths=np.full(count, 8, np.int32),
        heights=np.full(count, 8, np.int32),
        sha256=[""] * count,
        embeddings=random.normal(size=(count, 4)).astype(np.float32),
    )
    return write_gallery(tmp_path / "g", rows, fingerprint="f")


def test_hits_carry_rank_path_score_distance_and_label(gallery: Gallery):
    vectors = gallery.embeddings
    for metric, distance in (
        ("euclidean", lambda score: -score),
        ("cosine", lambda score: 1 - score),
        ("inner", lambda score: -score),
    ):
        (hits,) = search(gallery, ExactIndex(vectors, metric), vectors[:1], names=["q"], k=5)
        assert (hits.query, hits.metric) == ("q", metric)
        for rank, hit in enumerate(hits, start=1):
            assert hit.rank == rank
            assert hit.distance == pytest.approx(distance(hit.score))
            assert hit.label == gallery.labels[gallery.position(hit.path)]


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 39, 40, 41])
def test_filters_leave_k_hits_whenever_there_are_k(gallery: Gallery, k: int):
    index = ExactIndex(gallery.embeddings, "cosine")
    (hits,) = search(
        gallery, index, gallery.embeddings[:1], names=["q"], k=k, where="label = 'rare'"
    )
    assert len(hits) == min(k, 4)
    assert {hit.label for hit in hits} == {"rare"}
    (hits,) = search(
        gallery, index, gallery.embeddings[:1], names=["q"], k=k, exclude=np.array([0])
    )
    assert len(hits) == min(k, 39)
    assert "0.png" not in hits.paths


def test_names_and_queries_must_match(gallery: Gallery):
    index = ExactIndex(gallery.embeddings, "cosine")
    with pytest.raises(QueryError, match="2 names for 1 queries"):
        search(gallery, index, gallery.embeddings[:1], names=["a", "b"], k=1)


def test_examples_are_one_query(gallery: Gallery):
    index = ExactIndex(gallery.embeddings, "cosine")
    like, unlike = gallery.embeddings[:2], gallery.embeddings[2:3]
    for combine in ("mean", "best"):
        hits = search_examples(
            gallery, index, like, unlike, name="two", k=40, combine=combine,
            leave_out=np.array([0, 1, 2]),
        )  # fmt: skip
        assert hits.query == "two"
        assert len(hits) == 37
        assert not {"0.png", "1.png", "2.png"} & set(hits.paths)
        assert all(hit.distance == pytest.approx(1 - hit.score) for hit in hits)
    rare = search_examples(
        gallery, index, like, name="q", k=9, where="label = 'rare'", leave_out=np.array([10])
    )
    assert set(rare.paths) == {"0.png", "20.png", "30.png"}
    expanded = search_examples(
        gallery, index, like, name="q", k=9, settings=SearchSettings(2, rerank="k-reciprocal")
    )
    assert len(expanded) == 9


def test_best_has_no_query_to_expand(gallery: Gallery):
    index = ExactIndex(gallery.embeddings, "cosine")
    with pytest.raises(SettingsError, match="combine by mean"):
        search_examples(gallery, index, gallery.embeddings[:2], name="q", k=1, combine="best",
                        settings=SearchSettings(expand=3))  # fmt: skip
    with pytest.raises(SettingsError, match="wanted one of mean, best"):
        search_examples(gallery, index, gallery.embeddings[:2], name="q", k=1, combine="worst")


def test_reranked_hits_carry_the_scores_that_ordered_them(gallery: Gallery):
    for metric in ("cosine", "euclidean"):
        index = ExactIndex(gallery.embeddings, metric)
        (hits,) = search(
            gallery, index, gallery.embeddings[:1], names=["q"], k=40, exclude=np.array([0]),
            settings=SearchSettings(rerank="k-reciprocal", depth=10),
        )  # fmt: skip
        assert len(hits) == 39
        scores = [hit.score for hit in hits]
        assert scores == sorted(scores, reverse=True)
