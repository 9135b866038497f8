from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.gallery import ExactIndex, Neighbours
from lookalike.search import EVIDENCE_DEPTH, Calibration, Familiarity, evidence
from lookalike.search.calibrating import MISSED, fit_curve, fit_familiarity
from lookalike.search.calibration import Curve, Judge, quadratic
from lookalike.types import Hit, Hits

RNG = np.random.default_rng(0)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def plain_judge() -> Judge:
    """Ranks evidence of one column between 0 and 1 by that column."""
    return Judge(np.zeros(1), np.ones(1), np.array([1.0, 0.0]), np.array([0.0, 1.0]))


def plain_familiarity(threshold: float = 0.5) -> Familiarity:
    return Familiarity(plain_judge(), plain_judge(), threshold)


def calibration() -> Calibration:
    return Calibration(
        np.linspace(-1, 0.5, 999),
        Curve(np.array([0.2, 0.6, 0.8]), np.array([0.0, 0.5, 1.0])),
        Curve(np.array([0.2, 0.8]), np.array([0.0, 0.25])),
        plain_familiarity(),
    )


def test_evidence_is_what_it_says():
    gallery, queries = unit(RNG.normal(size=(40, 7))), unit(RNG.normal(size=(5, 7)))
    index = ExactIndex(gallery, "cosine")
    found = index.search(queries, EVIDENCE_DEPTH + 5)
    rows = evidence(ExactIndex(gallery, "cosine"), queries, found, (4, 3))
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
    row = evidence(ExactIndex(gallery, "cosine"), gallery[1:2], two, (4,))[0]
    np.testing.assert_allclose(row[:4], [0.9, 0.5, 0.5, 0.5])
    none = Neighbours(np.full((1, 3), -np.inf), np.full((1, 3), -1))
    np.testing.assert_array_equal(
        evidence(ExactIndex(gallery, "cosine"), gallery[:1], none, (4,)), np.zeros((1, 6))
    )


def test_reconstruction_errors_come_last():
    gallery = unit(RNG.normal(size=(9, 4)))
    found = ExactIndex(gallery, "cosine").search(gallery[:3], 5)
    errors = np.array([0.01, 0.0, np.nan])
    rows = evidence(ExactIndex(gallery, "cosine"), gallery[:3], found, (4,), errors)
    np.testing.assert_array_equal(
        rows[:, :-1], evidence(ExactIndex(gallery, "cosine"), gallery[:3], found, (4,))
    )
    np.testing.assert_allclose(rows[:2, -1], [np.log(0.01), np.log(1e-6)])
    assert np.isnan(rows[2, -1])


def test_the_probability_is_how_often_it_happens():
    scores = RNG.random(20_000)
    happened = RNG.random(20_000) < scores**2  # the right answer is known: score squared
    curve = fit_curve(scores, happened)
    asked = np.linspace(0.05, 0.95, 19)
    assert np.abs(curve(asked) - asked**2).mean() < 0.02
    assert (np.diff(curve(np.linspace(-1, 2, 50))) >= 0).all()
    assert 0 < curve(np.array([-9.0]))[0] < curve(np.array([9.0]))[0] < 1


def test_hits_that_are_never_copies_have_the_least_probability():
    curve = fit_curve(RNG.random(98), np.zeros(98, bool))
    np.testing.assert_allclose(curve(np.array([0.0, 0.5, 2.0])), 0.01)


def test_the_best_hit_and_the_others_have_a_curve_each():
    made = calibration()
    scores = np.array([0.8, 0.8, 0.6, 0.2])
    np.testing.assert_allclose(made.probability(scores, 0.8), [1, 1, 0.25 * 4 / 6, 0])
    # A filter may have hidden the best.
    np.testing.assert_allclose(made.probability(scores[2:], 0.8), [0.25 * 4 / 6, 0])


def test_nothing_to_learn_from_is_said():
    with pytest.raises(SettingsError, match="0 hits to learn from"):
        fit_curve(np.zeros(0), np.zeros(0, bool))
    some = np.zeros((3, 2))
    for known, unknown, foreign in ((some[:0], some, some), (some, some[:0], some)):
        with pytest.raises(SettingsError, match="wanted some of each"):
            fit_familiarity(known, unknown, foreign, np.zeros(len(known), np.int64))


def draw(count: int, *middle: float) -> np.ndarray:
    return RNG.normal(middle, 1, (count, len(middle)))


def test_familiarity_misses_few_known_and_refuses_most_unknown():
    known, unknown, foreign = (draw(2000, *middle) for middle in ((4, 0, 0), (0, 0, 0), (4, 5, 0)))
    fitted = fit_familiarity(known, unknown, foreign, np.arange(2000))
    assert abs(np.mean(~fitted.knows(draw(5000, 4, 0, 0))) - MISSED) < 0.015
    assert np.mean(~fitted.knows(draw(5000, 0, 0, 0))) > 0.95
    assert np.mean(~fitted.knows(draw(5000, 4, 5, 0))) > 0.95


def test_only_the_judge_of_foreign_pictures_looks_at_errors():
    known, unknown, foreign = draw(2000, 4, 0), draw(2000, 0, 0), draw(2000, 4, 6)
    fitted = fit_familiarity(known, unknown, foreign, np.arange(2000), errors=True)
    assert (len(fitted.kinds.mean), len(fitted.foreign.mean)) == (1, 2)
    assert not fitted.knows(np.array([[4.0, 6.0]]))[0]
    # A picture of the gallery is not asked for its error.
    assert fitted.knows(np.array([[4.0, np.nan]]))[0]
    assert not fitted.knows(np.array([[-1.0, np.nan]]))[0]


def test_what_lies_far_outside_counts_as_what_lies_at_the_edge():
    np.testing.assert_array_equal(
        quadratic(np.array([[50.0, -50.0]])), quadratic(np.array([[4, -4]]))
    )


def test_hits_are_judged_by_probability_percentile_and_whether_anything_is_like_it():
    hits = Hits("q", tuple(Hit(n, str(n), 0.0, 0.0) for n in range(1, 5)), "cosine")
    scores = np.array([0.79, 0.65, 0.45, -0.5])
    one_curve = replace(calibration(), later=calibration().first)
    judged = one_curve.judge(hits, scores, best=0.79, known=True)
    assert [hit.band for hit in judged] == ["duplicate", "close", "related", "nothing"]
    np.testing.assert_allclose([hit.probability for hit in judged], [0.975, 0.625, 0.3125, 0])
    assert judged[2].percentile == pytest.approx(96.5)
    assert judged.known
    unknown = calibration().judge(hits, scores, best=0.79, known=False)
    assert {hit.band for hit in unknown} == {"nothing"}
    assert unknown.known is False


def test_a_calibration_comes_back_from_its_arrays():
    made = calibration()
    again = Calibration.from_arrays(made.arrays())
    asked = RNG.random(9)
    np.testing.assert_array_equal(again.probability(asked, 0.5), made.probability(asked, 0.5))
    np.testing.assert_array_equal(again.percentile(asked), made.percentile(asked))
    rows = RNG.random((5, 1))
    np.testing.assert_array_equal(again.familiarity.score(rows), made.familiarity.score(rows))
