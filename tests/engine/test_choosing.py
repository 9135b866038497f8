"""`build --choose`: the candidates are compared on held-out pictures and the best one is built."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lookalike
from lookalike.engine import BuildSettings, choosing, open_source
from lookalike.engine.building import train_engine
from lookalike.engine.choice import Candidate, Choice, keep_choice, read_choice
from lookalike.engine.choosing import choose_preset, find_choice, with_choice
from lookalike.engine.manifest import Layout
from lookalike.errors import EngineError, SettingsError, TrainingStopped
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
    assert choice.sentence.startswith(
        f"chose {choice.preset}: MAP@R by labels of 12 pictures held out, after short trainings on "
        "48 others: "
    )
    assert not (tmp_path / "work").exists()


def test_copies_of_what_was_not_trained_on_decide_where_there_are_no_labels(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    measure, measured = choosing.measure_copies, []

    def spy(read, embed, index, positions, **named):
        report = measure(read, embed, index, positions, **named)
        measured.append((len(index), [read(position).tobytes() for position in positions], report))
        return report

    monkeypatch.setattr(choosing, "measure_copies", spy)
    choice = choose_preset(without_labels(collection), tmp_path / "work", TINY)
    sample = choosing._sample(collection, TINY.seed)
    held_out = {
        np.asarray(Image.open(collection.root / one.path)).tobytes()
        for one in sample.pictures
        if one.split == "test"
    }
    assert len(measured) == len(CANDIDATES)
    for searched, edited, report in measured:
        assert (searched, len(edited), set(edited)) == (60, 12, held_out)
        assert report.strengths == ("medium", "strong")
    assert (choice.measure, choice.pictures, choice.queries) == (choosing.BY_COPIES, 48, 12)
    assert "edited copies of 12 pictures held out, after short" in choice.sentence
    scores = {np.mean([one.mean(x).recall_at_1 for x in one.strengths]) for *_, one in measured}
    assert {one.score for one in choice.candidates} == scores
    assert all(0 < score <= 1 for score in scores)


def test_what_is_compared_is_what_is_built(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked = replace(TINY, metric="euclidean", whiten=False, channels=1, minutes=3.0)
    built: list[BuildSettings] = []

    def spy(sample: Collection, place: Path, settings: BuildSettings, **named: object) -> object:
        built.append(settings)
        return train_engine(sample, place, settings, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(choosing, "train_engine", spy)
    choose_preset(collection, tmp_path / "work", asked)
    assert [one.preset for one in built] == list(CANDIDATES)
    for one in built:
        assert replace(one, preset=asked.preset, epochs=None, minutes=3.0) == asked


def test_candidates_that_the_settings_rule_out_are_left_out_and_named(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    names = ("conv128", "efficientnet-lite0", "efficientnet-lite0-twin")
    monkeypatch.setattr(choosing, "CANDIDATES", names)
    monkeypatch.setattr(choosing, "_is_installed", lambda preset: preset.name != names[2])
    choice = choose_preset(collection, tmp_path / "work", replace(TINY, channels=1))
    grey = "efficientnet-lite0 (takes 3 channels, got 1)"
    assert choice.missing == (grey, "efficientnet-lite0-twin (not installed)")
    assert choice.preset == "conv128"
    assert f"not tried: {grey}, efficientnet-lite0-twin (not installed)" in choice.sentence
    monkeypatch.setattr(choosing, "CANDIDATES", names[1:])
    with pytest.raises(SettingsError, match=r"no preset is left .* efficientnet-lite0 \(takes 3"):
        choose_preset(collection, tmp_path / "work", replace(TINY, channels=1))


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


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), TrainingStopped("resume work/twin")])
def test_stopping_while_choosing_promises_nothing(
    kinds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
):
    def stopped(*_: object, **__: object) -> None:
        raise stop

    monkeypatch.setattr(choosing, "train_engine", stopped)
    with pytest.raises(TrainingStopped, match=r"nothing is kept of that: build it again$"):
        lookalike.build(kinds, tmp_path / "e.lookalike", choose=True, size=16, device="cpu")
    assert not list(tmp_path.iterdir())


def test_what_the_candidates_differ_in_is_left_to_them(kinds: Path, tmp_path: Path):
    with pytest.raises(SettingsError, match="leave out latent, epochs, or name a preset"):
        lookalike.build(kinds, tmp_path / "e.lookalike", choose=True, latent=8, epochs=3)
    assert not list(tmp_path.iterdir())


def chosen(conditions: dict[str, object], preset: str = "tiny-conv8x8x8") -> Choice:
    """What choosing might have given."""
    candidates = (Candidate(preset, 0.9, 1.0), Candidate("twin", 0.8, 2.0))
    missing = ("efficientnet-lite0 (not installed)",)
    return Choice(candidates, choosing.BY_LABELS, 48, 12, missing, conditions=conditions)


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """Choosing anew is an error."""

    def fail(*_: object, **__: object) -> Choice:
        raise AssertionError("chose again")

    monkeypatch.setattr(choosing, "choose_preset", fail)


@pytest.mark.usefixtures("never")
def test_an_engine_keeps_what_it_was_chosen_by(kinds: Path, collection: Collection, tmp_path: Path):
    """A build that was stopped after the choice goes on with it, and does not choose again."""
    place = tmp_path / "e.lookalike"
    choice = chosen(choosing._conditions(collection, TINY))
    keep_choice(Layout(Layout(place).partial), choice)
    settings = {"size": 16, "device": "cpu", "minutes": 0.02, "report": False}
    engine = lookalike.build(kinds, place, choose=True, resume=True, **settings)
    assert engine.manifest.preset == "tiny-conv8x8x8"
    assert read_choice(engine.layout) == choice == engine.choice()
    assert "not tried: efficientnet-lite0 (not installed)" in choice.sentence
    assert [one.name for one in tmp_path.iterdir()] == ["e.lookalike"]
    again = lookalike.build(kinds, place, choose=True, resume=True, **settings)
    assert again.choice() == choice
    with pytest.raises(AssertionError, match="chose again"):
        lookalike.build(kinds, place, choose=True, overwrite=True, **settings)


@pytest.mark.usefixtures("never")
@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"size": 32}, {"channels": 1}, {"metric": "euclidean"}, {"whiten": False}],
    ids=str,
)
def test_a_choice_made_for_something_else_is_not_gone_on_with(
    collection: Collection, tmp_path: Path, other: dict[str, object]
):
    layout = Layout(tmp_path / "e.lookalike")
    keep_choice(Layout(layout.partial), chosen(choosing._conditions(collection, TINY)))
    assert find_choice(collection, layout, TINY, resume=True).preset == "tiny-conv8x8x8"
    with pytest.raises(AssertionError, match="chose again"):
        find_choice(collection, layout, replace(TINY, **other), resume=True)  # type: ignore[arg-type]
    assert read_choice(Layout(layout.partial)) is None


@pytest.mark.usefixtures("never")
def test_a_choice_for_other_pictures_is_not_gone_on_with(collection: Collection, tmp_path: Path):
    layout = Layout(tmp_path / "e.lookalike")
    elsewhere = replace(collection, source=str(tmp_path))
    keep_choice(Layout(layout.partial), chosen(choosing._conditions(elsewhere, TINY)))
    with pytest.raises(AssertionError, match="chose again"):
        find_choice(collection, layout, TINY, resume=True)


@pytest.mark.parametrize("resume", [True, False])
def test_a_preset_that_is_named_leaves_nothing_of_a_choice(
    kinds: Path, collection: Collection, tmp_path: Path, resume: bool
):
    layout = Layout(tmp_path / "e.lookalike")
    keep_choice(Layout(layout.partial), chosen(choosing._conditions(collection, TINY)))
    settings = {"preset": "tiny-conv8x8x8", "size": 16, "epochs": 1, "report": False}
    engine = lookalike.build(kinds, layout.directory, resume=resume, device="cpu", **settings)
    assert engine.choice() is None
    assert [one.name for one in tmp_path.iterdir()] == ["e.lookalike"]


def test_minutes_that_a_pretrained_network_has_no_use_for_are_said(
    collection: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    choice = chosen({}, "efficientnet-lite0")
    monkeypatch.setattr(choosing, "choose_preset", lambda *_, **__: choice)
    layout = Layout(tmp_path / "e.lookalike")
    found = find_choice(collection, layout, replace(TINY, minutes=5.0))
    assert found.sentence.endswith("; minutes left out: it comes trained")
    assert with_choice(replace(TINY, minutes=5.0), found).minutes is None
    assert "minutes" not in find_choice(collection, layout, TINY).sentence
    keep_choice(layout, found)
    assert read_choice(layout) == found
    choice = chosen({})
    trained = find_choice(collection, layout, replace(TINY, minutes=5.0))
    assert with_choice(replace(TINY, minutes=5.0), trained).minutes == 5.0


def test_an_engine_in_the_way_is_said_before_the_candidates_are_tried(
    kinds: Path, engine_path: Path
):
    with pytest.raises(EngineError, match="already"):
        lookalike.build(kinds, engine_path, choose=True)


def test_a_choice_has_its_best_candidate_first():
    with pytest.raises(SettingsError, match="the best first"):
        Choice((Candidate("twin", 0.1, 1), Candidate("conv128", 0.2, 1)), "score", 10, 5)
