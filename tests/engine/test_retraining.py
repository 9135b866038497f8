"""Drift is noticed; retraining goes on from the weights and takes the engine's place at once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from drawing import draw_picture

import lookalike
from lookalike.encoder import load_encoder
from lookalike.engine import (
    building,
    drift,
    index_engine,
    retrain_engine,
    retraining,
    sync_engine,
    sync_job,
)
from lookalike.engine.accelerating import accelerate_engine
from lookalike.engine.drift import Drift, chance_of_less
from lookalike.engine.manifest import Layout
from lookalike.engine.memory import read_memory
from lookalike.errors import EngineError, SettingsError, TrainingError, TrainingStopped
from lookalike.types import Progress


@pytest.fixture
def engine(living: Path) -> Path:
    return living.parent / "e.lookalike"


def add(engine: Path, kind: str, numbers: range) -> None:
    folder = engine.parent / "photos" / f"new-{kind}"
    folder.mkdir(exist_ok=True)
    for number in numbers:
        draw_picture(kind, number).save(folder / f"{number}.png")


def test_drift_is_noticed(engine: Path):
    assert lookalike.open(engine).drift() is None
    add(engine, "disc", range(100, 130))
    drift = sync_engine(engine).drift
    assert drift is not None
    assert (drift.new, drift.known) == (30, 16)
    before = drift.unfamiliar
    add(engine, "stripes", range(30))
    drift = sync_engine(engine).drift
    assert drift is not None
    assert drift.new == 60
    assert drift.unfamiliar > before
    assert drift == lookalike.open(engine).drift()
    assert drift.rebuilt_worse is not None
    add(engine, "disc", range(200, 201))
    (engine.parent / "photos" / "disc" / "0.png").unlink()
    assert sync_engine(engine).as_dict()["drift"]["new"] == 61
    (engine.parent / "photos" / "disc" / "1.png").unlink()
    assert sync_engine(engine).drift is None  # nothing came


def test_new_pictures_are_compared_with_those_of_the_training_only(engine: Path):
    add(engine, "stripes", range(1))
    first = sync_engine(engine).drift
    assert first is not None
    draw_picture("stripes", 0).resize((47, 47)).save(engine.parent / "photos" / "copy.png")
    second = sync_engine(engine).drift
    assert second is not None  # its neighbour of the first sync makes it no more familiar
    assert second.unfamiliar == pytest.approx(first.unfamiliar, abs=0.15)


def test_the_chance_of_less():
    random = np.random.default_rng(0)
    some, others = random.integers(0, 6, 40).tolist(), random.integers(0, 6, 30).tolist()
    pairs = [(a < b) + (a == b) / 2 for a in some for b in others]
    assert chance_of_less(some, others) == pytest.approx(sum(pairs) / len(pairs))


@pytest.mark.parametrize(
    ("new", "known", "unfamiliar", "advice"),
    [
        (100, 1_000, 0.75, "in 75% of pairs; 50% if alike): retraining would help"),
        (100, 1_000, 0.58, None),
        (10, 1_000, 0.95, None),
        (1_000, 1_000, 0.5, "1,000 pictures came since the training, which knew 1,000"),
    ],
)
def test_advice(new: int, known: int, unfamiliar: float, advice: str | None):
    found = Drift(new, known, unfamiliar, None, 0.05).advice
    assert found is None if advice is None else advice in str(found)
    assert Drift(100, 1_000, 0.75, None, 0.3).advice is None  # it may be chance


def test_retraining_takes_all_pictures_in(engine: Path):
    add(engine, "stripes", range(6))
    sync_engine(engine)
    before = lookalike.open(engine)
    known = dict(zip(before.gallery.paths, before.gallery.ids.tolist(), strict=True))
    add(engine, "disc", range(50, 52))  # not yet synced
    after = retrain_engine(engine, epochs=1, report=False, device="cpu")
    ids = dict(zip(after.gallery.paths, after.gallery.ids.tolist(), strict=True))
    assert len(ids) == 24
    assert {path: ids[path] for path in known} == known
    assert len(set(ids.values())) == 24
    assert after.manifest.retrained == 1
    assert after.manifest.counts.gallery == 24
    assert after.manifest.fingerprint != before.manifest.fingerprint
    assert after.image == before.image
    assert after.drift() is None
    assert sync_engine(engine).plan.counts()["unchanged"] == 24
    assert after.search("disc/1.png", k=3)[0].path in ids
    before.refresh()
    assert before.gallery.fingerprint == after.gallery.fingerprint
    assert retrain_engine(engine, epochs=1, report=False).manifest.retrained == 2


def test_it_goes_on_from_the_weights(engine: Path, monkeypatch: pytest.MonkeyPatch):
    weights = load_encoder(engine / "encoder").model.state_dict()
    seen = {}
    train = building.train_encoder

    def look(*given: object, **named: object) -> object:
        seen["start"] = named["start"].model.state_dict()  # type: ignore[attr-defined]
        return train(*given, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(building, "train_encoder", look)
        made = retrain_engine(engine, epochs=1, report=False, device="cpu")
    assert all(bool((seen["start"][name] == value).all()) for name, value in weights.items())
    changed = made.encoder.model.state_dict()["encoder.last.weight"]
    began = weights["encoder.last.weight"]
    other = lookalike.build(
        engine.parent / "photos", engine.parent / "o.lookalike", seed=7, epochs=1, size=16,
        report=False,
    ).encoder.model.state_dict()["encoder.last.weight"]  # fmt: skip
    assert (changed - began).norm() < (other - began).norm() / 3


def test_the_old_engine_answers_until_the_new_one_is_there(engine: Path):
    before = lookalike.open(engine).search("disc/1.png", k=5)
    heard = []

    def ask(progress: Progress) -> None:
        heard.append(progress.stage)
        assert lookalike.open(engine).search("disc/1.png", k=5).hits == before.hits

    retrain_engine(engine, epochs=1, report=False, on_progress=ask)
    assert {"train", "embed"} <= set(heard)


def test_a_retraining_that_is_stopped_goes_on(engine: Path):
    def stop(progress: Progress) -> None:
        if progress.stage == "train" and "epoch 2/3" in progress.message:
            raise KeyboardInterrupt

    with pytest.raises(TrainingStopped, match="command with --resume to go on"):
        retrain_engine(engine, epochs=3, report=False, on_progress=stop)
    assert lookalike.open(engine).manifest.retrained == 0
    with pytest.raises(EngineError, match="an interrupted training"):
        retrain_engine(engine, epochs=3, report=False)
    with pytest.raises(TrainingError, match=r"was begun from an engine's weights \(retrain\)"):
        lookalike.build(
            engine.parent / "photos", engine, epochs=3, batch_size=8, size=16, report=False,
            resume=True, overwrite=True,
        )  # fmt: skip
    assert retrain_engine(engine, epochs=3, report=False, resume=True).manifest.retrained == 1
    assert not Layout(engine).partial.exists()


def test_how_long_it_trains(engine: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def note(*given: object, **_: object) -> None:
        asked.append(given[2].epochs)  # type: ignore[attr-defined]
        raise TrainingStopped("enough")

    monkeypatch.setattr(retraining, "train_engine", note)
    manifest = json.loads((engine / "manifest.json").read_text())
    manifest["settings"]["chosen"]["epochs"] = 30
    (engine / "manifest.json").write_text(json.dumps(manifest))
    for epochs in (None, 4):
        with pytest.raises(TrainingStopped):
            retrain_engine(engine, epochs=epochs)
    assert asked == [10, 4]


def test_what_comes_trained_is_not_retrained(engine: Path):
    manifest = json.loads((engine / "manifest.json").read_text())
    manifest["preset"] = "efficientnet-lite0"
    (engine / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SettingsError, match="efficientnet-lite0 is pretrained"):
        retrain_engine(engine)


def test_what_was_set_for_the_gallery_stays(engine: Path):
    index_engine(engine, store="float16")
    accelerate_engine(engine, memory=5)
    assert retrain_engine(engine, epochs=1, report=False).gallery.store == "float16"
    assert read_memory(Layout(engine)) == 5


def test_nothing_else_changes_the_engine_meanwhile(engine: Path):
    refused = []

    def sync(progress: Progress) -> None:
        if progress.stage == "train":
            with pytest.raises(EngineError, match="is being changed by `lookalike retrain`"):
                sync_engine(engine, verify=True)
            refused.append(progress)

    add(engine, "disc", range(60, 61))
    retrain_engine(engine, epochs=1, report=False, on_progress=sync)
    assert refused
    assert sync_engine(engine).plan.counts()["unchanged"] == 17


def test_retraining_gives_no_id_twice(engine: Path):
    gallery = lookalike.open(engine).gallery
    (last,) = [gallery.paths[place] for place in np.flatnonzero(gallery.ids == gallery.ids.max())]
    (engine.parent / "photos" / last).unlink()
    newest = int(gallery.ids.max())
    retrain_engine(engine, epochs=1, report=False)
    add(engine, "stripes", range(1))
    sync_engine(engine)
    assert int(lookalike.open(engine).gallery.ids.max()) == newest + 1


def test_each_retraining_is_as_long(engine: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []
    train = retraining.train_engine

    def note(*given: object, **named: object) -> object:
        asked.append(given[2].epochs)  # type: ignore[attr-defined]
        return train(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(retraining, "train_engine", note)
    manifest = json.loads((engine / "manifest.json").read_text())
    manifest["settings"]["chosen"]["epochs"] = 6
    (engine / "manifest.json").write_text(json.dumps(manifest))
    retrain_engine(engine, report=False)
    made = retrain_engine(engine, report=False)
    assert asked == [2, 2]
    assert made.manifest.settings["chosen"]["epochs"] == 6


def test_an_engine_that_was_opened_before_says_what_to_do(engine: Path):
    lazy, warm = lookalike.open(engine), lookalike.open(engine)
    warm.search("disc/1.png", k=3)
    retrain_engine(engine, epochs=1, report=False)
    with pytest.raises(EngineError, match=r"was made anew since it was opened here: .*`refresh"):
        lazy.search("disc/1.png", k=3)
    with pytest.raises(EngineError, match=r"`refresh\(\)`"):
        warm.search("disc/1.png", k=3, where="width > 10")
    for opened in (lazy, warm):
        opened.refresh()
        assert len(opened.search("disc/1.png", k=3, where="width > 10")) == 3


def test_a_sample_of_all_that_come_is_measured(engine: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drift, "SAMPLE", 12)
    monkeypatch.setattr(sync_job, "BATCH", 5)
    seen = []
    measure = drift._errors

    def note(engine: object, pixels: np.ndarray) -> list[float]:
        seen.append(len(pixels))
        return measure(engine, pixels)

    monkeypatch.setattr(drift, "_errors", note)
    add(engine, "disc", range(100, 124))
    found = sync_engine(engine).drift
    assert found is not None
    assert found.new == 24
    # Every second one of the five batches; the old ones were measured by the build.
    assert seen == [3, 2, 3, 2, 2]


def test_drift_of_very_few(engine: Path):
    for picture in sorted((engine.parent / "photos").rglob("*.png"))[1:]:
        picture.unlink()
    sync_engine(engine)
    add(engine, "disc", range(100, 101))
    assert sync_engine(engine).drift is None
    assert lookalike.open(engine).drift() is None


def test_what_has_gone_again_counts_no_more(engine: Path):
    add(engine, "stripes", range(8))
    assert sync_engine(engine).drift is not None
    for picture in (engine.parent / "photos" / "new-stripes").iterdir():
        picture.unlink()
    sync_engine(engine)
    assert lookalike.open(engine).drift() is None
