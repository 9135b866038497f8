from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from lookalike.errors import ExportError
from lookalike.gallery import ExactIndex
from lookalike.gallery.codes import WIDEST
from lookalike.gallery.packed import pack
from lookalike.types import METRICS

KINDS = ("spread", "ties", "copies", "clusters", "outliers", "lengths", "far", "sparse", "one way")


def made_up(kind: str, seed: int, count: int = 3_000, width: int = 24):
    """A gallery that is hard to round, and queries: rows of it, some near them, some of no kind."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, width))
    if kind == "ties":
        rows = random.integers(-1, 2, (count, width)).astype(float)
    elif kind == "copies":
        rows = rows[random.integers(0, 40, count)]
    elif kind == "clusters":
        rows = rows[random.integers(0, 5, count)] + 1e-4 * rows
    elif kind == "outliers":
        rows[random.integers(0, count, 3)] *= 1e5
    elif kind == "lengths":
        rows *= 10.0 ** random.uniform(-6, 6, (count, 1))
    elif kind == "far":
        rows += 1e3
    elif kind == "sparse":
        rows *= random.random((count, width)) < 0.1
    elif kind == "one way":
        rows[:, 1:] *= 1e-7
    queries = np.concatenate(
        [rows[:4], rows[4:8] + 0.01 * random.normal(size=(4, width)), 5 * rows[8:10][:, ::-1]]
    )
    return rows.astype(np.float32), queries.astype(np.float32)


def brute_force(rows, queries, metric, k, allowed, exclude):
    """Every score in float64, in the order of score and place."""
    places, scores = [], []
    for query, gone in zip(queries.astype(np.float64), exclude, strict=True):
        wide = rows.astype(np.float64)
        if metric == "euclidean":
            one = -np.sqrt(np.square(wide - query).sum(axis=1))
        else:
            one = (wide * query).sum(axis=1)
            if metric == "cosine":
                lengths = np.sqrt(np.square(wide).sum(axis=1)) * np.sqrt(np.square(query).sum())
                one = one / np.where(lengths > 0, lengths, 1)
        one[~allowed] = -np.inf
        if gone >= 0:
            one[gone] = -np.inf
        order = np.lexsort((np.arange(len(one)), -one))[:k]
        places.append(np.where(one[order] > -np.inf, order, -1))
        scores.append(one[order])
    return np.array(places), np.array(scores)


def quick_index(rows, metric, monkeypatch) -> ExactIndex:
    monkeypatch.setattr("lookalike.gallery.exact.ENOUGH", 1)
    index = ExactIndex(rows, metric)
    index.quicken()
    return index


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pieces", [False, True])
def test_hits_are_those_of_a_brute_force(kind, metric, pieces, monkeypatch):
    if pieces:  # of the queries, and of the rows; and queries that are left to be compared anew
        monkeypatch.setattr("lookalike.gallery.packed_search.MOST", 60)
        monkeypatch.setattr("lookalike.gallery.packed_search.SCORES", 10_000)
        monkeypatch.setattr("lookalike.gallery.codes.PART", 30_000)
    rows, queries = made_up(kind, seed=1)
    index = quick_index(rows, metric, monkeypatch)
    assert index.packed
    allowed = np.random.default_rng(2).random(len(rows)) < 0.5
    nobody, some = np.full(len(queries), -1), np.r_[0:4, [-1] * 6]
    for k in (1, 10, 100):
        for mask, gone in ((np.ones_like(allowed), nobody), (allowed, some)):
            places, scores = brute_force(rows, queries, metric, k, mask, gone)
            found = index.search(queries, k, allowed=np.flatnonzero(mask), exclude=gone)
            np.testing.assert_array_equal(found.scores, scores)
            np.testing.assert_array_equal(found.positions, places)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.sampled_from(METRICS),
    st.integers(0, 10_000),
    st.integers(1, 70),
    st.integers(50, 1_000),
    st.sampled_from([1e-9, 1e-3, 1.0, 1e3, 1e9]),
    st.booleans(),
)
def test_no_row_scores_lower_than_it_can(kind, metric, seed, width, count, length, centred):
    rows, queries = made_up(kind, seed, count, width)
    centre = rows.mean(axis=0) if centred and metric == "euclidean" else None
    packed = pack(rows, metric, centre)
    if packed is None:
        return
    # Those along what rounding took from a row are the worst.
    kept = rows - packed.steps * np.rint(rows / packed.steps).clip(-127, 127)
    queries = np.concatenate([queries, rows[:4] + kept[:4], kept[4:8]])
    queries = (queries * length).astype(np.float32)
    queries = queries[np.isfinite(queries).all(axis=1)]
    together = np.setdiff1d(np.arange(count), packed.apart)
    compared = packed.compare(queries)
    places, scores = brute_force(
        rows, queries, metric, count, np.ones(count, np.bool_), np.full(len(queries), -1)
    )
    for number in range(len(queries)):
        true = scores[number][np.argsort(places[number])]
        for place in together if compared.fit(number) else ():
            assert compared.scores.values[number, place] >= compared.lowest(number, true[place])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("far", [1.0, 1e3, 3e5])
def test_rows_far_from_the_origin_are_bounded_for_what_float32_takes(metric, far):
    """Rounding to float32 when rows are centred is more than rounding to 8 bits hides."""
    random = np.random.default_rng(11)
    rows = (far + random.normal(size=(2_000, 8))).astype(np.float32)
    queries = (far + random.normal(size=(20, 8))).astype(np.float32)
    packed = pack(rows, metric, rows.mean(axis=0) if metric == "euclidean" else None)
    compared = packed.compare(queries)
    places, scores = brute_force(
        rows, queries, metric, len(rows), np.ones(len(rows), np.bool_), np.full(20, -1)
    )
    for number in range(20):
        lowest = [compared.lowest(number, true) for true in scores[number]]
        found = compared.scores.values[number, places[number]]
        apart = np.isin(places[number], packed.apart)
        assert ((found >= lowest) | apart).all()


@pytest.mark.parametrize("metric", METRICS)
def test_a_spread_gallery_needs_few_candidates(metric, monkeypatch):
    rows, queries = made_up("spread", seed=3, count=20_000)
    index = quick_index(rows, metric, monkeypatch)
    monkeypatch.setattr(index, "_search_rows", None)  # would fail if it were called
    found = index.search(queries[4:], 10)
    assert (found.positions >= 0).all()


@pytest.mark.parametrize("metric", METRICS)
def test_rows_that_cannot_be_rounded_well_stand_apart(metric):
    rows, _ = made_up("outliers", seed=4)
    packed = pack(rows, metric)
    assert packed is not None
    assert len(packed.apart) == (0 if metric == "cosine" else 3)
    assert packed.hidden < 0.2


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e30])
def test_numbers_beyond_float32_are_left_to_float64(scale, monkeypatch):
    rows = (made_up("spread", seed=5)[0].astype(np.float64) * scale).astype(np.float32)
    assert pack(rows, "inner") is None
    index = quick_index(rows, "euclidean", monkeypatch)
    assert index.search(rows[:1], 1).positions[0, 0] == 0


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("size", [1e-10, 1.0, 1e10])
@pytest.mark.parametrize("scale", [0.0, 1e-38, 1e-30, 1e12, 1e20, 1e30, 1e35])
def test_queries_of_any_length_find_the_nearest(metric, size, scale, monkeypatch):
    rows, queries = made_up("spread", seed=9)
    rows = (rows * size).astype(np.float32)
    queries = (queries.astype(np.float64) * scale).astype(np.float32)
    found = quick_index(rows, metric, monkeypatch).search(queries, 5)
    expected = ExactIndex(rows, metric, rounds=False).search(queries, 5)
    np.testing.assert_array_equal(found.positions, expected.positions)
    np.testing.assert_array_equal(found.scores, expected.scores)


def test_the_first_searches_do_without_and_the_rest_find_the_same(monkeypatch):
    monkeypatch.setattr("lookalike.gallery.exact.ENOUGH", 1)
    monkeypatch.setattr("lookalike.gallery.rounding.PATIENCE", 3)
    rows, queries = made_up("spread", seed=6)
    index = ExactIndex(rows, "cosine")
    before = [index.search(queries[:1], 5), index.search(queries[:1], 5)]
    assert not index.packed
    after = index.search(queries[:1], 5)
    assert index.packed
    for found in before:
        np.testing.assert_array_equal(found.positions, after.positions)
        np.testing.assert_array_equal(found.scores, after.scores)


def test_searches_from_several_threads_agree_while_rows_are_being_rounded(monkeypatch):
    monkeypatch.setattr("lookalike.gallery.exact.ENOUGH", 1)
    monkeypatch.setattr("lookalike.gallery.rounding.PATIENCE", 20)
    rows, queries = made_up("spread", seed=7, count=20_000)
    index = ExactIndex(rows, "euclidean")
    expected = ExactIndex(rows, "euclidean", rounds=False).search(queries, 7)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: index.search(queries, 7), range(24)))
    assert index.packed
    for one in found:
        np.testing.assert_array_equal(one.positions, expected.positions)
        np.testing.assert_array_equal(one.scores, expected.scores)


def test_rows_are_not_rounded_where_that_is_not_wanted(monkeypatch):
    monkeypatch.setattr("lookalike.gallery.exact.ENOUGH", 1)
    index = ExactIndex(made_up("spread", seed=8)[0], "inner", rounds=False)
    index.quicken()
    assert not index.packed


def test_few_pictures_are_not_rounded():
    index = ExactIndex(np.eye(8, dtype=np.float32), "inner")
    index.quicken()
    for _ in range(30):
        index.search(np.eye(8, dtype=np.float32), 2)
    assert not index.packed


def test_rows_whose_products_would_overflow_are_not_rounded():
    random = np.random.default_rng(0)
    rows = random.uniform(0.2, 1, (40, WIDEST + 1)).astype(np.float32)
    assert pack(rows, "inner") is None
    assert pack(rows[:, :WIDEST], "inner") is not None


def test_where_the_products_cannot_be_computed_searches_go_on(monkeypatch):
    def broken(*_):
        raise ExportError("not this version")

    monkeypatch.setattr("lookalike.gallery.codes.cpu_session", broken)
    rows, queries = made_up("spread", seed=10)
    index = quick_index(rows, "inner", monkeypatch)
    assert not index.packed
    assert (index.search(queries, 3).positions >= 0).all()


def test_many_neighbours_are_found_by_the_rows_themselves(monkeypatch):
    rows, queries = made_up("spread", seed=12)
    index = quick_index(rows, "euclidean", monkeypatch)
    expected = ExactIndex(rows, "euclidean", rounds=False).search(queries, 400)
    monkeypatch.setattr(index, "_search_packed", None)  # would fail if it were called
    np.testing.assert_array_equal(index.search(queries, 400).positions, expected.positions)
