"""What every way of searching promises, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lookalike.errors import GalleryError, QueryError
from lookalike.gallery import (
    ExactIndex,
    Gallery,
    GalleryRows,
    GalleryWriter,
    GraphIndex,
    SearchIndex,
    StreamedIndex,
    build_index,
    follow_index,
    open_gallery,
    write_gallery,
)
from lookalike.types import METRICS, Metric

COUNT, WIDTH = 1_500, 8
WAYS: dict[str, Callable[[Gallery, Metric], SearchIndex]] = {
    "exact": lambda gallery, metric: ExactIndex(gallery.embeddings, metric),
    "streamed": StreamedIndex,
    "indexed": GraphIndex,
}


def unit(count: int, seed: int) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, WIDTH)).astype(np.float32)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def rows_of(embeddings: NDArray[np.float32], first: int = 0) -> GalleryRows:
    count = len(embeddings)
    return GalleryRows(
        paths=[f"{number}.png" for number in range(first, first + count)],
        labels=["even" if number % 2 == 0 else "odd" for number in range(first, first + count)],
        splits=[None] * count,
        widths=np.full(count, 8, np.int32),
        heights=np.full(count, 8, np.int32),
        sha256=[f"{number:064x}" for number in range(first, first + count)],
        embeddings=embeddings,
    )


def truth(
    gallery: Gallery, queries: NDArray[np.float32], metric: Metric, k: int,
    allowed: NDArray[np.int64] | None = None, exclude: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:  # fmt: skip
    """The slow reference: all scores in float64, by score, then by place."""
    known, asked = gallery.embeddings.astype(np.float64), queries.astype(np.float64)
    scores = asked @ known.T
    if metric == "cosine":
        scores /= np.linalg.norm(asked, axis=1)[:, None] * np.linalg.norm(known, axis=1)
    elif metric == "euclidean":
        scores = -np.sqrt(np.square(asked[:, None] - known).sum(axis=2))
    if allowed is not None:
        scores[:, np.setdiff1d(np.arange(len(known)), allowed)] = -np.inf
    if exclude is not None:
        scores[np.arange(len(queries)), exclude] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(scores, order, axis=1)
    return best, np.where(np.isfinite(best), order, -1)


@pytest.fixture(scope="module", params=["float32", "float16"])
def gallery(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """A gallery with an index, and with rows added, changed, moved and removed since."""
    place = tmp_path_factory.mktemp("contract") / "gallery"
    write_gallery(place, rows_of(unit(COUNT, 0)), fingerprint="f", store=request.param)
    build_index(place, "cosine", recall=1.0)
    writer = GalleryWriter(place)
    writer.put(rows_of(unit(100, 1), COUNT), np.arange(COUNT, COUNT + 100))
    writer.put(rows_of(unit(50, 2), 200), np.arange(200, 250))
    writer.remove(np.arange(300, 340))
    found = open_gallery(place)
    assert found.store == request.param
    return found


@pytest.fixture(params=[*WAYS, "indexed, filters too"])
def way(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Gallery, Metric], SearchIndex]:
    if request.param == "indexed, filters too":  # in galleries this small they are compared
        monkeypatch.setattr("lookalike.gallery.graph.FEW", 0)
        monkeypatch.setattr("lookalike.gallery.graph.FEW_SHARE", 0)
        return GraphIndex
    return WAYS[request.param]


@pytest.mark.parametrize("metric", METRICS)
def test_finds_the_nearest_with_and_without_a_filter(gallery, way, metric):
    index = way(gallery, metric)
    assert (index.metric, index.width, len(index)) == (metric, WIDTH, COUNT + 60)
    queries = unit(12, 3)
    exclude = truth(gallery, queries, metric, 1)[1][:, 0]  # what each would find first
    allowed = gallery.positions("label = 'even'")
    for some in (None, allowed, allowed[:5]):
        for left_out in (None, exclude):
            scores, places = truth(gallery, queries, metric, 10, some, left_out)
            found = index.search(queries, 10, allowed=some, exclude=left_out)
            np.testing.assert_array_equal(found.positions, places)
            np.testing.assert_allclose(found.scores, scores, atol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_a_filter_that_leaves_nothing_near_hides_nothing(gallery, way, metric):
    index, queries = way(gallery, metric), unit(4, 9)
    far = np.sort(truth(gallery, queries[:1], metric, len(gallery))[1][0, len(gallery) // 2 :])
    scores, places = truth(gallery, queries, metric, 10, far)
    found = index.search(queries, 10, allowed=far)
    np.testing.assert_array_equal(found.positions, places)
    np.testing.assert_allclose(found.scores, scores, atol=1e-12)


def test_more_than_there_are_gives_all(gallery, way):
    index = way(gallery, "cosine")
    found = index.search(unit(2, 4), COUNT * 2)
    assert found.positions.shape == (2, len(gallery))
    assert sorted(found.positions[0].tolist()) == list(range(len(gallery)))


def test_what_was_added_or_changed_is_found_and_what_was_removed_is_not(gallery, way):
    index = way(gallery, "cosine")
    new = gallery.rows(np.array([205, len(gallery) - 1]))
    np.testing.assert_array_equal(index.search(new, 1).positions[:, 0], [205, len(gallery) - 1])
    gone = unit(COUNT, 0)[300:340]
    found = index.search(gone, 3)
    assert found.scores.max() < 0.9999
    changed = unit(COUNT, 0)[200:250]
    assert index.search(changed, 1).scores.max() < 0.9999


def test_rows_and_scores_are_those_that_are_stored(gallery, way):
    index = way(gallery, "cosine")
    places = np.array([[5, 0, 5], [1559, 210, 700]])
    rows = index.rows(places)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, gallery.embeddings[places])
    queries = unit(2, 5)
    expected = np.einsum("qd,qcd->qc", queries.astype(np.float64), rows.astype(np.float64))
    lengths = np.linalg.norm(queries.astype(np.float64), axis=1)[:, None]
    lengths = lengths * np.linalg.norm(rows.astype(np.float64), axis=2)
    np.testing.assert_allclose(index.score(queries, places), expected / lengths, atol=1e-12)
    assert index.rows(np.zeros((3, 0), np.int64)).shape == (3, 0, WIDTH)


@pytest.mark.parametrize("nothing", ["allowed", "queries"])
def test_nothing_to_find_or_to_ask(gallery, way, nothing):
    index = way(gallery, "cosine")
    if nothing == "queries":
        assert index.search(unit(0, 0), 3).positions.shape == (0, 3)
        return
    found = index.search(unit(2, 0), 3, allowed=np.zeros(0, np.int64))
    assert (found.positions == -1).all()
    assert np.isneginf(found.scores).all()


@pytest.mark.parametrize(
    ("queries", "k", "message"),
    [
        (np.zeros((1, WIDTH), np.float32), 0, "k is 0"),
        (np.zeros((1, 4), np.float32), 1, r"wanted \(Q, 8\)"),
        (np.full((1, WIDTH), np.inf, np.float32), 1, "infinity"),
    ],
)
def test_bad_queries(gallery, way, queries, k, message):
    with pytest.raises(QueryError, match=message):
        way(gallery, "cosine").search(queries, k)


@pytest.mark.parametrize("name", ["exact", "streamed"])
@pytest.mark.parametrize("metric", METRICS)
def test_ties_come_in_the_order_of_places_wherever_they_lie(tmp_path, name, metric):
    """Equal rows in several blocks, some of them moved to the end of the file."""
    values = np.random.default_rng(0).integers(-1, 2, (600, 2)).astype(np.float32)
    gallery = write_gallery(tmp_path / "g", rows_of(values), fingerprint="f")
    writer = GalleryWriter(gallery.directory)
    writer.put(rows_of(values[:50], 0), np.arange(50))
    gallery = open_gallery(gallery.directory)
    np.testing.assert_array_equal(gallery.embeddings, values)
    found = WAYS[name](gallery, metric).search(values[:4], 40)
    for places, scores in zip(found.positions, found.scores, strict=True):
        assert sorted(zip(-scores, places, strict=True)) == list(zip(-scores, places, strict=True))


def test_an_index_for_one_metric_serves_others_where_lengths_are_equal(tmp_path: Path):
    random = np.random.default_rng(0)
    embeddings = random.normal(size=(1_200, 4)).astype(np.float32)
    write_gallery(tmp_path / "g", rows_of(embeddings), fingerprint="f")
    facts = build_index(tmp_path / "g", "euclidean")
    assert facts.longest > facts.shortest
    gallery = open_gallery(tmp_path / "g")
    assert GraphIndex(gallery, "euclidean").search(embeddings[:3], 1).positions[:, 0].tolist() == [
        0, 1, 2,
    ]  # fmt: skip
    with pytest.raises(GalleryError, match="indexed for euclidean alone"):
        GraphIndex(gallery, "cosine")


def test_the_index_follows_and_is_built_anew_when_half_has_changed(tmp_path: Path):
    place = tmp_path / "g"
    write_gallery(place, rows_of(unit(COUNT, 0)), fingerprint="f")
    assert follow_index(place) is None
    first = build_index(place, "cosine")
    assert first.recall > 0.9
    assert follow_index(place) == first
    writer = GalleryWriter(place)
    writer.put(rows_of(unit(300, 1), COUNT), np.arange(COUNT, COUNT + 300))
    writer.remove(np.arange(100))
    assert GalleryWriter(place).outside_index() == 300
    second = follow_index(place)
    assert second is not None
    assert (second.rows, second.held, second.changed) == (COUNT, COUNT + 200, 300)
    assert GalleryWriter(place).outside_index() == 0
    writer = GalleryWriter(place)
    writer.put(rows_of(unit(600, 2), 400), np.arange(400, 1000))
    third = follow_index(place)
    assert third is not None
    assert (third.rows, third.changed) == (COUNT + 200, 0)
    GalleryWriter(place).remove(np.arange(100, 1100))
    assert follow_index(place) is None  # too few are left
    assert open_gallery(place).index_facts is None


def test_an_earlier_state_comes_back_with_its_index(tmp_path: Path):
    place = tmp_path / "g"
    before = write_gallery(place, rows_of(unit(COUNT, 0)), fingerprint="f")
    build_index(place, "cosine")
    indexed = open_gallery(place)
    assert before.index_facts is None
    GalleryWriter(place).drop_index()
    assert open_gallery(place).index_facts is None
    GalleryWriter(place).restore(indexed.version)
    assert open_gallery(place).index_facts == indexed.index_facts
    GraphIndex(open_gallery(place), "cosine").search(unit(1, 0), 1)


def test_an_index_that_was_never_measured_is_not_used(tmp_path: Path):
    place = tmp_path / "g"
    write_gallery(place, rows_of(unit(COUNT, 0)), fingerprint="f")
    build_index(place, "cosine")
    GalleryWriter(place).build_index("euclidean", 2)  # and here its process was ended
    left = open_gallery(place)
    assert left.has_index
    assert left.index_facts is None  # those of the one before are not taken for its
    assert follow_index(place) is None
    assert not open_gallery(place).has_index


def test_lengths_follow_what_is_added(tmp_path: Path):
    place = tmp_path / "g"
    write_gallery(place, rows_of(unit(COUNT, 0)), fingerprint="f")
    facts = build_index(place, "cosine")
    assert facts.serves("euclidean")
    GalleryWriter(place).put(rows_of(3 * unit(5, 1), COUNT), np.arange(COUNT, COUNT + 5))
    now = follow_index(place)
    assert now is not None
    assert not now.serves("euclidean")


def test_a_gallery_too_small_for_an_index_says_so(tmp_path: Path):
    write_gallery(tmp_path / "g", rows_of(unit(20, 0)), fingerprint="f")
    with pytest.raises(GalleryError, match="has 20 pictures: an index takes 1,000"):
        build_index(tmp_path / "g", "cosine")
    with pytest.raises(GalleryError, match="has no index"):
        GraphIndex(open_gallery(tmp_path / "g"), "cosine")
