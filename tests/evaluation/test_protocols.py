from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.evaluation import evaluate_queries, leave_one_out
from lookalike.types import METRICS


def line(*places: float) -> np.ndarray:
    return np.array([[place] for place in places], np.float32)


def test_queries_against_a_gallery_by_hand():
    # The query at 0 (cat) ranks cat 1, dog 2, cat 3: P@1 = 1, R = 2, MAP@R = (1 + 0)/2.
    metrics = evaluate_queries(line(1, 2, 3), ["cat", "dog", "cat"], line(0), ["cat"], "euclidean")
    assert metrics.p_at_1 == 1
    assert metrics.p_at_5 == pytest.approx(2 / 5)
    assert metrics.r_at_10 == 1
    assert metrics.map_at_r == pytest.approx(0.5)
    assert metrics.map_at_1000 == pytest.approx((1 + 2 / 3) / 2)
    assert metrics.knn_accuracy == 1
    assert (metrics.queries, metrics.gallery, metrics.left_out) == (1, 3, 0)


def test_leave_one_out_by_hand():
    # 0 a, 1 a, 3 b, 4 b: everyone's nearest other has its own label.
    metrics = leave_one_out(line(0, 1, 3, 4), ["a", "a", "b", "b"], "euclidean")
    assert metrics.p_at_1 == 1
    assert metrics.map_at_r == 1
    # Moved so that the middle two are each other's nearest.
    metrics = leave_one_out(line(0, 2, 3, 5), ["a", "a", "b", "b"], "euclidean")
    assert metrics.p_at_1 == pytest.approx(0.5)


def test_a_duplicate_is_a_hit_but_the_picture_itself_is_not():
    metrics = leave_one_out(line(1, 1, 9), ["a", "a", "b"], "euclidean")
    assert (metrics.p_at_1, metrics.queries, metrics.left_out) == (1, 2, 1)


def test_what_has_no_label_or_no_right_answer_is_left_out_and_counted():
    metrics = evaluate_queries(
        line(1, 2, 3), ["cat", None, "dog"], line(0, 0, 0), ["cat", None, "fish"], "euclidean"
    )
    assert (metrics.queries, metrics.gallery, metrics.left_out) == (1, 2, 2)


def test_ties_stand_in_the_gallery_s_order():
    for labels, expected in ((["a", "b"], 1), (["b", "a"], 0)):
        metrics = evaluate_queries(line(1, 1), labels, line(0), ["a"], "euclidean")
        assert metrics.p_at_1 == expected


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("own", [False, True])
def test_every_metric_against_a_float64_reference(metric: str, own: bool):
    random = np.random.default_rng(1)
    gallery = random.normal(3, 1, (80, 6)).astype(np.float32)
    queries = gallery if own else random.normal(3, 1, (20, 6)).astype(np.float32)
    names = random.choice(["a", "b", "c"], 80).tolist()
    asked = names if own else random.choice(["a", "b", "c"], 20).tolist()
    found = (
        leave_one_out(gallery, names, metric)
        if own
        else evaluate_queries(gallery, names, queries, asked, metric)
    )
    x, q = gallery.astype(np.float64), queries.astype(np.float64)
    right = []
    for number, query in enumerate(q):
        scores = {
            "euclidean": -np.linalg.norm(x - query, axis=1),
            "cosine": x @ query / np.linalg.norm(x, axis=1),
            "inner": x @ query,
        }[metric]
        if own:
            scores[number] = -np.inf
        best = np.argsort(-scores, kind="stable")[:10]
        right.append([names[place] == asked[number] for place in best])
    assert found.p_at_1 == pytest.approx(np.mean([row[0] for row in right]))
    assert found.p_at_10 == pytest.approx(np.mean(right))


def test_random_embeddings_reach_chance():
    random = np.random.default_rng(2)
    labels = random.choice(list("abcd"), 2000).tolist()
    found = leave_one_out(random.normal(size=(2000, 8)).astype(np.float32), labels, "cosine")
    assert found.p_at_10 == pytest.approx(0.25, abs=0.01)


def test_nothing_to_measure_by():
    with pytest.raises(SettingsError, match="sub-folders"):
        leave_one_out(line(1, 2), ["a", "b"], "cosine")
    with pytest.raises(SettingsError, match="sub-folders"):
        leave_one_out(line(1, 2), [None, None], "cosine")
    with pytest.raises(SettingsError, match="labels do not match"):
        leave_one_out(line(1, 2), ["a"], "cosine")
    with pytest.raises(SettingsError, match="widths differ"):
        evaluate_queries(line(1), ["a"], np.ones((1, 2), np.float32), ["a"], "inner")


@pytest.mark.parametrize("count", [20, 9000])
def test_embeddings_that_are_not_finite_are_refused(count: int):
    gallery, names = np.ones((count, 2), np.float32), ["a"] * count
    with pytest.raises(SettingsError, match="NaN"):
        evaluate_queries(gallery, names, np.full((1, 2), np.nan, np.float32), ["a"], "cosine")
