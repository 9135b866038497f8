"""`build --choose`: the candidates are compared on held-out pictures and the best one is built."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lookalike
from lookalike.engine import BuildSettings, choosing, open_source
from lookalike.engine.choosing import Candidate, Choice, choose_preset, read_choice
from lookalike.errors import EngineError, SettingsError
from lookalike.images import Collection

CANDIDATES = ("twin", "conv128")
TINY = BuildSettings(size=16, seed=0, device="cpu")


@pytest.fixture(autouse=True)
def few_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "CANDIDATES", CANDIDATES)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty pictures in two folders, dark ones and light ones."""
    root = tmp_path_factory.mktemp("kinds")
    for number in range(60):
        kind = ("dark", "light")[number % 2]
        (root / kind).mkdir(exist_ok=True)
        low = 140 * (number % 2)
        noise = np.random.default_rng(number).integers(low, low + 100, (6, 6, 3), np.uint8)
        Image.fromarray(noise.repeat(4, 0).repeat(4, 1)).save(root / kind / f"{number:02}.png")
    return root


@pytest.fixture(scope="module")
def collection(kinds: Path) -> Collection:
    return open_source(kinds)


def without_labels(collection: Collection) -> Collection:
    pictures = tuple(replace(one, label=None) for one in collection.pictures)
    return replace(collection, pictures=pictures)


def test_the_best_by_labels_is_chosen(collection: Collection, tmp_path: Path):
    choice = choose_preset(collection, tmp_path / "work", TINY)
    assert {one.preset for one in choice.candidates} == set(CANDIDATES)
    assert choice.preset == max(choice.candidates, key=lambda one: one.score).preset
    assert choice.measure == choosing.BY_LABELS
    assert (choice.pictures, choice.queries) == (48, 12)
    assert choice.candidates[0].score > 0.9  # dark and light are told apart by anything
    assert choice.sentence.startswith(f"chose {choice.preset}: MAP@R by labels, 12 queries")
    assert not (tmp_path / "work").exists()


def test_copies_decide_where_there_are_no_labels(collection: Collection, tmp_path: Path):
    choice = choose_preset(without_labels(collection), tmp_path / "work", TINY)
    assert choice.measure == choosing.BY_COPIES
    assert all(0 < one.score <= 1 for one in choice.candidates)


def test_pictures_of_the_test_split_are_not_looked_at(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    kept = tuple(
        replace(one, split="test" if number < 8 else "train")
        for number, one in enumerate(collection.pictures)
    )
    seen: set[str] = set()
    trained = choosing.train_engine

    def spy(sample: Collection, *rest: object, **named: object) -> object:
        seen.update(one.path for one in sample.pictures)
        return trained(sample, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(choosing, "train_engine", spy)
    choose_preset(replace(collection, pictures=kept), tmp_path / "work", TINY)
    assert seen == {one.path for one in kept if one.split == "train"}


def test_too_few_pictures_to_choose_by(collection: Collection, tmp_path: Path):
    few = replace(collection, pictures=collection.pictures[:20])
    with pytest.raises(SettingsError, match="20 pictures are too few to choose by: wanted 50"):
        choose_preset(few, tmp_path / "work", TINY)


def test_a_failed_candidate_leaves_nothing_behind(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> float:
        raise EngineError("broken")

    monkeypatch.setattr(choosing, "_by_labels", fail)
    with pytest.raises(EngineError, match="broken"):
        choose_preset(collection, tmp_path / "work", TINY)
    assert not (tmp_path / "work").exists()


def test_what_the_candidates_differ_in_is_left_to_them(kinds: Path, tmp_path: Path):
    with pytest.raises(SettingsError, match="leave out latent, epochs, or name a preset"):
        lookalike.build(kinds, tmp_path / "e.lookalike", choose=True, latent=8, epochs=3)
    assert not list(tmp_path.iterdir())


def test_an_engine_keeps_what_it_was_chosen_by(
    kinds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A build that was stopped after the choice goes on with it, and does not choose again."""
    place = tmp_path / "e.lookalike"
    choice = Choice(
        (Candidate("tiny-conv8x8x8", 0.9, 1.0), Candidate("twin", 0.8, 2.0)),
        choosing.BY_LABELS,
        48,
        12,
        ("efficientnet-lite0",),
    )
    (tmp_path / "e.lookalike.choice.json").write_text(json.dumps(choice.as_dict()))

    def never(*_: object, **__: object) -> Choice:
        raise AssertionError("chose again")

    monkeypatch.setattr(choosing, "choose_preset", never)
    settings = {"size": 16, "device": "cpu", "minutes": 0.02, "report": False}
    engine = lookalike.build(kinds, place, choose=True, resume=True, **settings)
    assert engine.manifest.preset == "tiny-conv8x8x8"
    assert read_choice(engine.layout) == choice == engine.choice()
    assert "not tried, not installed: efficientnet-lite0" in choice.sentence
    assert [one.name for one in tmp_path.iterdir()] == ["e.lookalike"]
    with pytest.raises(AssertionError, match="chose again"):
        lookalike.build(kinds, place, choose=True, overwrite=True, **settings)


def test_an_engine_in_the_way_is_said_before_the_candidates_are_tried(
    kinds: Path, engine_path: Path
):
    with pytest.raises(EngineError, match="already"):
        lookalike.build(kinds, engine_path, choose=True)


def test_a_choice_has_its_best_candidate_first():
    with pytest.raises(SettingsError, match="the best first"):
        Choice((Candidate("twin", 0.1, 1), Candidate("conv128", 0.2, 1)), "score", 10, 5)
