"""Probabilities of pairs: hits behind a copy are judged as if it were not there."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from lookalike.engine import copy_pairs
from lookalike.engine.copy_pairs import Pair, likely_pairs
from lookalike.engine.second_look import with_second_look
from lookalike.search.calibration import Calibration, Curve, Familiarity, Judge


def calibration() -> Calibration:
    """A best hit is a copy by its score; a later one hardly ever."""
    nothing = Judge(np.zeros(1), np.ones(1), np.zeros(2), np.zeros(1))
    first = Curve(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    later = Curve(np.array([0.0, 1.0]), np.array([0.0, 0.1]))
    return Calibration(np.zeros(1), first, later, Familiarity(nothing, nothing, 0.0))


@pytest.fixture(autouse=True)
def _in_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(copy_pairs, "all_embeddings", lambda engine, _: engine.gallery.embeddings)


def engine(angles: list[float], known: Calibration | None) -> SimpleNamespace:
    """Pictures on a circle: their similarity is the cosine of the angle between them."""
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    return SimpleNamespace(
        gallery=SimpleNamespace(embeddings=rows, __len__=lambda: len(rows)),
        manifest=SimpleNamespace(metric="cosine", seed=0),
        calibration=known,
    )


def pairs(angles: list[float], known: Calibration | None, least: float = 0.02) -> dict:
    places = np.arange(len(angles))
    found = likely_pairs(engine(angles, known), places, least)  # type: ignore[arg-type]
    assert all(isinstance(pair, Pair) and pair.one < pair.other for pair in found)
    return {(pair.one, pair.other): pair.probability for pair in found}


def test_a_hit_behind_a_copy_counts_as_the_best():
    # 0 and 1 are copies of each other, and 2 of both, though it is nobody's best hit.
    found = pairs([0.0, 0.1, 0.4], calibration())
    assert found[0, 1] == pytest.approx(np.cos(0.1), abs=1e-6)
    assert found[0, 2] == pytest.approx(np.cos(0.4), abs=1e-6)
    assert found[1, 2] == pytest.approx(np.cos(0.3), abs=1e-6)


def test_a_hit_behind_what_is_no_copy_does_not():
    # The best hit of 0 is no copy (.36), so the next would be a later one.
    found = pairs([0.0, 1.2, 1.4], calibration())
    assert found[0, 1] == pytest.approx(np.cos(1.2), abs=1e-6)
    # 2 finds its copy 1 first, and then 0.
    assert found[0, 2] == pytest.approx(np.cos(1.4), abs=1e-6)
    assert found[1, 2] == pytest.approx(np.cos(0.2), abs=1e-6)
    assert set(pairs([0.0, 1.2, 1.4], calibration(), 0.5)) == {(1, 2)}


def test_places_of_a_part_of_the_gallery():
    whole = engine([0.0, 2.0, 0.1], calibration())
    found = likely_pairs(whole, np.array([0, 2]), 0.02)  # type: ignore[arg-type]
    assert [(pair.one, pair.other) for pair in found] == [(0, 2)]


def test_without_calibration_the_nearest_may_be_copies():
    found = pairs([0.0, 0.1, 0.2, 0.3, 3.0], None)
    assert set(found.values()) == {0.3}
    assert (0, 1) in found


def test_a_second_look_confirms_or_refutes():
    assert with_second_look(0.4, None) == 0.4
    probabilities = [with_second_look(0.4, agreed) for agreed in (0.2, 0.5, 0.75, 0.9, 1.0)]
    assert probabilities == sorted(probabilities)
    assert probabilities[2] == pytest.approx(0.4)
    assert probabilities[0] < 0.01
    assert probabilities[-1] > 0.8
    assert 0 < with_second_look(0.0, 1.0) < 0.01
    assert 0.99 < with_second_look(1.0, 0.8) < 1
