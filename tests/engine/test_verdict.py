"""The sentence of the report card, where it is known what it has to say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lookalike.engine import open_engine
from lookalike.engine.card import Card
from lookalike.engine.copies_section import copies_section
from lookalike.engine.measure import Evaluation, EvaluationRow
from lookalike.engine.verdict import Made, sentence
from lookalike.evaluation import COLUMNS, EDITS, STRENGTHS, CopiesReport, Metrics
from lookalike.search import SearchSettings
from lookalike.types import METRICS

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
    said = sentence(card({"frame": 0.5, "crop": 0.7}), None, Made("twin", "cosine", 5_000))
    assert said.startswith("Finds 90% of medium edited copies first: good at copies that are ")
    assert "poor at framed (50%) and cropped (70%)" in said
    assert "the pictures carry no labels" in said
    assert said.endswith('searching with the part that matters (--crop, "Search a part").')


def test_an_engine_that_finds_everything():
    said = sentence(card({}), None, Made("twin", "cosine", 0))
    assert said.startswith("Finds 100% of medium edited copies first, whatever was done to them.")
    almost = sentence(card({"blur": 0.99}), None, Made("twin", "cosine", 0))
    assert almost.startswith("Finds 99% ")  # only all is 100 %


def test_an_engine_that_finds_nothing_well():
    said = sentence(card(dict.fromkeys(EDIT_NAMES, 0.1)), None, Made("twin", "cosine", 10))
    assert said.startswith("Finds 10% of medium edited copies first: poor at cropped (10%),")
    assert said.endswith("more pictures, 10 are few to learn from.")


NAMES = {
    "choose": "let the build choose (--choose): a pretrained network knows these kinds of things.",
    "pretrained": "a pretrained network (--preset efficientnet-lite0), which knows these kinds",
    "more": "more pictures, 100 are few to learn from.",
    "longer": "longer training; hog alone is better.",
    "learn": "a preset that learns from these pictures (--preset twin); hog alone is better.",
    "adapt": "(--preset efficientnet-lite0-twin); hog alone is better.",
    "crop": 'searching with the part that matters (--crop, "Search a part").',
    "train or search": "help: longer training, expansion (--expand) or re-ranking (--rerank k-rec",
    "search": "help: expansion (--expand) or re-ranking (--rerank k-reciprocal).",
    "rerank": "help: re-ranking (--rerank k-reciprocal).",
    "expand": "help: expansion (--expand).",
}
LITE = "efficientnet-lite0"
ADVICE = [
    # preset, metric, trained on, chosen; better baseline, poor edit -> advice
    ("twin", "cosine", 100, False, LITE, None, "choose"),
    ("twin", "cosine", 100, True, LITE, None, "pretrained"),
    ("vgg19", "cosine", 0, False, LITE, None, "choose"),
    (LITE, "cosine", 0, False, LITE, None, "search"),
    (LITE, "cosine", 0, True, "hog", None, "search"),
    (LITE, "cosine", 0, False, "hog", "crop", "adapt"),
    ("vgg19", "cosine", 0, False, "hog", None, "learn"),
    (f"{LITE}-twin", "cosine", 100, False, LITE, None, "more"),
    (f"{LITE}-twin", "cosine", 5_000, True, "hog", None, "longer"),
    ("twin", "cosine", 100, False, "hog", None, "more"),
    ("twin", "cosine", 5_000, False, "hog", "frame", "longer"),
    ("twin", "cosine", 5_000, False, None, "frame", "crop"),
    ("twin", "cosine", 5_000, False, None, "blur", "train or search"),
    (LITE, "cosine", 0, False, None, "crop", "crop"),
    (LITE, "cosine", 0, False, None, None, "search"),
    (LITE, "euclidean", 0, False, None, None, "rerank"),
    (LITE, "inner", 0, False, None, None, "expand"),
]


@pytest.mark.parametrize(
    ("preset", "metric", "trained_on", "chosen", "better", "poor", "advice"), ADVICE
)
def test_advice_does_not_contradict_the_engine(
    preset: str,
    metric: str,
    trained_on: int,
    chosen: bool,
    better: str | None,
    poor: str | None,
    advice: str,
):
    rows = [EvaluationRow(f"{preset} (this engine)", labelled(0.5))]
    if better:
        rows.append(EvaluationRow(better, labelled(0.9)))
    made = Made(preset, metric, trained_on, chosen)
    said = sentence(card({poor: 0.5} if poor else {}), Evaluation("held out", tuple(rows)), made)
    if better:
        assert f"Of ten hits 5.0 share the label, 9.0 with {better}, the best simple method" in said
    assert NAMES[advice] in said


def test_what_is_advised_for_a_metric_is_allowed_by_it():
    for metric in METRICS:
        said = sentence(card({}), None, Made("vgg19", metric, 0))
        if "--expand" in said:
            SearchSettings(expand=3).check_metric(metric)
        if "--rerank" in said:
            SearchSettings(rerank="k-reciprocal").check_metric(metric)


def test_how_an_engine_was_made(engine_path: Path):
    assert Made.of(open_engine(engine_path)) == Made("twin", "cosine", 36)


def test_without_baselines_only_the_own_figure_is_said():
    evaluation = Evaluation("held out", (EvaluationRow("twin", labelled(1.0)),))
    said = sentence(card({}), evaluation, Made("twin", "cosine", 5_000))
    assert "Of ten hits 10.0 share the label. What would help" in said


def test_the_report_has_every_edit_and_the_best_baseline_first():
    section = copies_section(card({"mirror": 0.25}))
    recall, beside, amounts = section.tables
    assert [row[0] for row in recall.rows] == [*EDIT_NAMES, "all"]
    assert recall.rows[EDIT_NAMES.index("mirror")][1:] == ("0.250",) * 6
    assert [row[0] for row in beside.rows] == ["hog", "twin"]
    assert len(amounts.rows) == len(EDIT_NAMES)
    assert "too small to say what its scores mean" in section.text
