"""The sentence of the report card, where it is known what it has to say."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.engine.card import Card
from lookalike.engine.copies_section import copies_section
from lookalike.engine.measure import Evaluation, EvaluationRow
from lookalike.engine.verdict import sentence
from lookalike.evaluation import COLUMNS, EDITS, STRENGTHS, CopiesReport, Metrics

PICTURES = 100
EDIT_NAMES = tuple(EDITS)


def card(found: dict[str, float], check: object = None) -> Card:
    """A card where each edit finds the given share of its copies, at any strength; others all."""
    ranks = np.ones((len(EDIT_NAMES), len(STRENGTHS), PICTURES), np.int64)
    for edit, share in found.items():
        ranks[EDIT_NAMES.index(edit), :, round(share * PICTURES) :] = 0
    copies = CopiesReport(
        EDIT_NAMES, STRENGTHS, np.arange(PICTURES), ranks, np.zeros(ranks.shape), 10, PICTURES
    )
    beside = {"twin": 0.9, "hog": 0.95}
    return Card(copies, beside, 50, check)  # type: ignore[arg-type]


def labelled(share: float) -> Metrics:
    """Metrics that are all equal to a share."""
    return Metrics(*[share] * len(COLUMNS), queries=10, gallery=100)


def test_what_it_is_good_at_and_what_not():
    said = sentence(card({"frame": 0.5, "crop": 0.7}), None, trained_on=5_000)
    assert said.startswith("Finds 90% of medium edited copies first: good at copies that are ")
    assert "poor at framed (50%) and cropped (70%)" in said
    assert "the pictures carry no labels" in said
    assert said.endswith("searching with the part that matters (--crop).")


def test_an_engine_that_finds_everything():
    said = sentence(card({}), None, trained_on=0)
    assert said.startswith("Finds 100% of medium edited copies first, whatever was done to them.")
    almost = sentence(card({"blur": 0.99}), None, trained_on=0)
    assert almost.startswith("Finds 99% ")  # only all is 100 %


def test_an_engine_that_finds_nothing_well():
    said = sentence(card(dict.fromkeys(EDIT_NAMES, 0.1)), None, trained_on=10)
    assert said.startswith("Finds 10% of medium edited copies first: poor at cropped (10%),")
    assert said.endswith("more pictures, 10 are few to learn from.")


@pytest.mark.parametrize(
    ("better", "trained_on", "advice"),
    [
        ("efficientnet-lite0", 100, "let the build choose (--choose)"),
        ("hog", 100, "more pictures, 100 are few to learn from"),
        ("hog", 5_000, "longer training; hog alone is better"),
    ],
)
def test_a_better_baseline_is_named_and_advice_follows(better: str, trained_on: int, advice: str):
    rows = (EvaluationRow("twin", labelled(0.5)), EvaluationRow(better, labelled(0.9)))
    said = sentence(card({}), Evaluation("held out", rows), trained_on=trained_on)
    assert f"Of ten hits 5.0 share the label, 9.0 with {better}, the best baseline" in said
    assert advice in said


def test_without_baselines_only_the_own_figure_is_said():
    evaluation = Evaluation("held out", (EvaluationRow("twin", labelled(1.0)),))
    said = sentence(card({}), evaluation, trained_on=5_000)
    assert "Of ten hits 10.0 share the label. What would help" in said


def test_the_report_has_every_edit_and_the_best_baseline_first():
    section = copies_section(card({"mirror": 0.25}))
    recall, beside, amounts = section.tables
    assert [row[0] for row in recall.rows] == [*EDIT_NAMES, "all"]
    assert recall.rows[EDIT_NAMES.index("mirror")][1:] == ("0.250",) * 6
    assert [row[0] for row in beside.rows] == ["hog", "twin"]
    assert len(amounts.rows) == len(EDIT_NAMES)
    assert "too small to say what its scores mean" in section.text
