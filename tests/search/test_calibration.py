from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.gallery import ExactIndex, Neighbours
from lookalike.search import EVIDENCE_DEPTH, Calibration, Familiarity, evidence
from lookalike.search.calibrating import MISSED, fit_calibration, fit_familiarity
from lookalike.search.calibration import quadratic
from lookalike.types import Hit, Hits

RNG = np.random.default_rng(0)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def plain_familiarity(threshold: float = 0.0) -> Familiarity:
    return Familiarity(np.zeros(1), np.ones(1), np.array([1.0, 0.0]), threshold)


def calibration() -> Calibration:
    return Calibration(
        np.linspace(-1, 0.5, 999),
        np.array([0.2, 0.6, 0.8]),
        np.array([0.0, 0.5, 1.0]),
        plain_familiarity(),
    )


def test_evidence_is_what_it_says():
    gallery, queries = unit(RNG.normal(size=(40, 7))), unit(RNG.normal(size=(5, 7)))
    index = ExactIndex(gallery, "cosine")
    found = index.search(queries, EVIDENCE_DEPTH + 5)
    rows = evidence(gallery, queries, found, (4, 3))
    for query, row in zip(queries, rows, strict=True):
        near = sorted(gallery, key=lambda other: -float(other @ query))[:EVIDENCE_DEPTH]
        scores = [float(other @ query) for other in near]
        first, second = slice(0, 4), slice(4, 7)
        cosines = [
            [float(o[s] @ query[s] / np.linalg.norm(o[s]) / np.linalg.norm(query[s])) for o in near]
            for s in (first, second)
        ]
        wanted = [
            scores[0],
            scores[0] - scores[1],
            scores[0] - scores[4],
            scores[0] - np.mean(scores[1:]),
            cosines[0][0],
            max(cosines[0]),
            cosines[1][0],
            max(cosines[1]),
        ]
        np.testing.assert_allclose(row, wanted, atol=1e-5)


def test_evidence_of_few_neighbours_and_of_none():
    gallery = unit(RNG.normal(size=(3, 4)))
    two = Neighbours(np.array([[0.9, 0.4, -np.inf]]), np.array([[1, 0, -1]]))
    row = evidence(gallery, gallery[1:2], two, (4,))[0]
    np.testing.assert_allclose(row[:4], [0.9, 0.5, 0.5, 0.5])
    none = Neighbours(np.full((1, 3), -np.inf), np.full((1, 3), -1))
    np.testing.assert_array_equal(evidence(gallery, gallery[:1], none, (4,)), np.zeros((1, 6)))


def test_the_probability_is_how_often_it_happens():
    scores = RNG.random(20_000)
    happened = RNG.random(20_000) < scores**2  # the right answer is known: score squared
    fitted = fit_calibration(RNG.random(10), scores, happened, plain_familiarity())
    asked = np.linspace(0.05, 0.95, 19)
    assert np.abs(fitted.probability(asked) - asked**2).mean() < 0.02
    assert (np.diff(fitted.probability(np.linspace(-1, 2, 50))) >= 0).all()
    assert 0 < fitted.probability(np.array([-9.0]))[0] < fitted.probability(np.array([9.0]))[0] < 1


def test_nothing_to_learn_from_is_said():
    with pytest.raises(SettingsError, match="0 of 3 hits are copies"):
        fit_calibration(RNG.random(3), RNG.random(3), np.zeros(3, bool), plain_familiarity())
    with pytest.raises(SettingsError, match="0 known"):
        fit_familiarity(np.zeros((0, 2)), np.zeros((3, 2)), np.zeros(0, np.int64))


def test_familiarity_misses_few_known_and_refuses_most_unknown():
    def draw(count: int, middle: float) -> np.ndarray:
        return RNG.normal(middle, 1, (count, 3))

    fitted = fit_familiarity(draw(2000, 3), draw(2000, 0), np.arange(2000))
    assert abs(np.mean(~fitted.knows(draw(5000, 3))) - MISSED) < 0.015
    assert np.mean(~fitted.knows(draw(5000, 0))) > 0.95


def test_what_lies_far_outside_counts_as_what_lies_at_the_edge():
    np.testing.assert_array_equal(
        quadratic(np.array([[50.0, -50.0]])), quadratic(np.array([[4, -4]]))
    )


def test_hits_are_judged_by_probability_percentile_and_whether_anything_is_like_it():
    hits = Hits("q", tuple(Hit(n, str(n), 0.0, 0.0) for n in range(1, 5)), "cosine")
    scores = np.array([0.79, 0.65, 0.45, -0.5])
    judged = calibration().judge(hits, scores, known=True)
    assert [hit.band for hit in judged] == ["duplicate", "close", "related", "nothing"]
    np.testing.assert_allclose([hit.probability for hit in judged], [0.975, 0.625, 0.3125, 0])
    assert judged[2].percentile == pytest.approx(96.5)
    assert judged.known
    unknown = calibration().judge(hits, scores, known=False)
    assert {hit.band for hit in unknown} == {"nothing"}
    assert unknown.known is False


def test_a_calibration_comes_back_from_its_arrays():
    made = calibration()
    again = Calibration.from_arrays(made.arrays())
    asked = RNG.random(9)
    np.testing.assert_array_equal(again.probability(asked), made.probability(asked))
    np.testing.assert_array_equal(again.percentile(asked), made.percentile(asked))
    rows = RNG.random((5, 1))
    np.testing.assert_array_equal(again.familiarity.score(rows), made.familiarity.score(rows))
