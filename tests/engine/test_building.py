from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import lookalike
from lookalike.engine import index_engine, open_engine, open_source, train_engine
from lookalike.engine.settings import BuildSettings, natural_image
from lookalike.engine.stages import _choose_image
from lookalike.errors import (
    CollectionError,
    EngineError,
    GalleryError,
    LookalikeError,
    SettingsError,
    StorageError,
    TrainingStopped,
)
from lookalike.images import Collection, find_pictures
from lookalike.models import get_preset
from lookalike.types import Progress

QUICK = {"epochs": 1, "batch_size": 8, "size": 16, "report": False, "device": "cpu"}


def test_an_engine_is_plain_files_that_say_what_they_are(engine_path: Path):
    # Searches of other tests may have kept what they prepared.
    parts = {path.name for path in engine_path.iterdir()} - {"spectral", "lock", "synced.json"}
    assert parts == {"manifest.json", "encoder", "gallery", "cache", "drift.json", "reports"}
    manifest = json.loads((engine_path / "manifest.json").read_text())
    assert manifest["format"] == "lookalike-engine"
    assert manifest["counts"] == {
        "gallery": 36, "train": 36, "validation": 0, "queries": 0, "skipped": 1,
    }  # fmt: skip
    assert not list(engine_path.rglob("*.p*kl*"))
    assert not list(engine_path.parent.glob("*.partial"))


def test_an_engine_says_whether_training_stopped_early(photos: Path, tmp_path: Path):
    place = tmp_path / "e.lookalike"
    tiny = {**QUICK, "preset": "tiny-conv8x8x8", "learning_rate": 1e-12, "seed": 0}
    engine = lookalike.build(photos, place, **tiny | {"epochs": 30})
    assert engine.info()["stopped_early"] is True
    assert engine.history().stopped_early
    assert len(engine.history()) < 30
    assert index_engine(place).info()["stopped_early"] is True
    engine = lookalike.build(photos, place, overwrite=True, **tiny)
    assert engine.info()["stopped_early"] is False
    assert not engine.history().stopped_early


def test_an_engine_that_does_not_say_whether_training_stopped_early_opens(
    photos: Path, tmp_path: Path
):
    place = lookalike.build(photos, tmp_path / "e.lookalike", **QUICK).layout.manifest
    values = json.loads(place.read_text())
    del values["stopped_early"]
    place.write_text(json.dumps(values))
    engine = lookalike.open(tmp_path / "e.lookalike")
    assert engine.info()["stopped_early"] is None
    assert len(engine.history()) == 1


def test_the_broken_file_is_named_with_its_reason(engine_path: Path):
    (skipped,) = lookalike.open(engine_path).skipped()
    assert skipped.path == "disc/broken.jpg"
    assert skipped.reason


def test_skipped_files_are_known_without_the_cache(photos: Path, tmp_path: Path):
    import shutil

    engine = lookalike.build(photos, tmp_path / "e.lookalike", **QUICK)
    shutil.rmtree(engine.layout.cache)
    reopened = lookalike.open(engine.layout.directory)
    assert [one.path for one in reopened.skipped()] == ["disc/broken.jpg"]
    assert len(reopened.search(photos / "disc" / "00.png", 3)) == 3


def test_labels_never_reach_training(photos: Path, tmp_path: Path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in sorted(photos.rglob("*.*")):
        (flat / f"{path.parent.name}-{path.name}").write_bytes(path.read_bytes())
    labelled = lookalike.build(photos, tmp_path / "a.lookalike", **QUICK)
    bare = lookalike.build(flat, tmp_path / "b.lookalike", **QUICK)
    assert set(bare.gallery.labels) == {None}
    np.testing.assert_array_equal(labelled.gallery.embeddings, bare.gallery.embeddings)


def test_same_seed_same_engine_other_seed_other(photos: Path, tmp_path: Path):
    first, second, other = (
        lookalike.build(photos, tmp_path / f"{name}.lookalike", seed=seed, **QUICK)
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert first.manifest.fingerprint == second.manifest.fingerprint
    np.testing.assert_array_equal(first.gallery.embeddings, second.gallery.embeddings)
    assert other.manifest.fingerprint != first.manifest.fingerprint


def test_a_stopped_build_resumes_to_the_same_engine(photos: Path, tmp_path: Path):
    settings = {**QUICK, "epochs": 3}
    whole = lookalike.build(photos, tmp_path / "whole.lookalike", **settings)
    place = tmp_path / "stopped.lookalike"

    def stop(progress: Progress) -> None:
        if progress.stage == "train" and progress.done > 40:
            raise KeyboardInterrupt

    with pytest.raises(TrainingStopped, match="--resume"):
        lookalike.build(photos, place, on_progress=stop, **settings)
    assert not place.exists()
    kept = f"epoch [12] of 3.*{place}.partial: go on with resume.*overwrite"
    with pytest.raises(EngineError, match=kept):
        lookalike.build(photos, place, **settings)
    with pytest.raises(EngineError, match=rf"not finished.*{place}\.partial.*--resume"):
        lookalike.open(place)
    resumed = lookalike.build(photos, place, resume=True, **settings)
    assert resumed.manifest.fingerprint == whole.manifest.fingerprint
    assert [epoch.train_loss for epoch in resumed.history().epochs] == [
        epoch.train_loss for epoch in whole.history().epochs
    ]


def test_overwrite_starts_an_interrupted_training_over(photos: Path, tmp_path: Path):
    place = tmp_path / "e.lookalike"

    def stop(progress: Progress) -> None:
        if progress.stage == "train" and progress.done > 40:
            raise KeyboardInterrupt

    with pytest.raises(TrainingStopped):
        lookalike.build(photos, place, on_progress=stop, **{**QUICK, "epochs": 3, "seed": 5})
    engine = lookalike.build(photos, place, overwrite=True, **QUICK)
    assert len(engine.history()) == 1
    assert engine.manifest.seed == 0
    assert {path.name for path in place.iterdir()} == {
        "manifest.json", "encoder", "gallery", "cache", "reports", "drift.json", "synced.json",
        "lock",
    }  # fmt: skip


def test_an_engine_is_replaced_only_when_told_and_only_whole(photos: Path, tmp_path: Path):
    place = tmp_path / "e.lookalike"
    before = lookalike.build(photos, place, **QUICK).manifest.fingerprint
    with pytest.raises(EngineError, match="--overwrite"):
        lookalike.build(photos, place, **QUICK)

    def fail(progress: Progress) -> None:
        if progress.stage == "embed":
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        lookalike.build(photos, place, overwrite=True, seed=9, on_progress=fail, **QUICK)
    assert lookalike.open(place).manifest.fingerprint == before
    after = lookalike.build(photos, place, overwrite=True, seed=9, **QUICK)
    assert after.manifest.fingerprint != before


def test_a_folder_that_is_no_engine_is_never_replaced(photos: Path, tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(EngineError, match="left alone"):
        lookalike.build(photos, tmp_path / "mine", overwrite=True, **QUICK)
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_train_then_index_is_build(photos: Path, tmp_path: Path):
    built = lookalike.build(photos, tmp_path / "built.lookalike", **QUICK)
    place = tmp_path / "steps.lookalike"
    settings = BuildSettings(epochs=1, batch_size=8, size=16, device="cpu")
    trained = train_engine(open_source(photos), place, settings)
    assert len(trained) == 0
    with pytest.raises(EngineError, match="lookalike index"):
        trained.search(photos / "disc" / "00.png")
    indexed = index_engine(place, device="cpu")
    assert indexed.manifest.fingerprint == built.manifest.fingerprint
    np.testing.assert_array_equal(indexed.gallery.embeddings, built.gallery.embeddings)


def test_index_takes_other_pictures(photos: Path, tmp_path: Path):
    place = tmp_path / "e.lookalike"
    lookalike.build(photos, place, **QUICK)
    engine = index_engine(place, photos / "stripes", device="cpu")
    assert len(engine) == 12
    assert engine.search("00.png", 1).hits[0].path.endswith((".png", ".jpg"))


def test_the_meaning_weighs_what_the_training_pictures_say(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Trained on 24 of 36 pictures that are all searched; re-indexed, the balance is the same."""
    told = []

    def natural(pictures: int, of_few: float) -> float:
        told.append(pictures)
        return 0.4

    monkeypatch.setattr("lookalike.engine.stages.natural_balance", natural)
    root = tmp_path / "pictures"
    for kind, split in (("disc", "train"), ("square", "train"), ("stripes", "val")):
        shutil.copytree(photos / kind, root / split / kind)
    place = tmp_path / "e.lookalike"
    engine = lookalike.build(root, place, size=16, epochs=1, report=False, device="cpu")
    assert (told, len(engine)) == ([24], 36)
    assert engine.encoder.whitening.balance == 0.4  # type: ignore[union-attr]
    (root / "val" / "stripes" / "00.png").unlink()
    again = index_engine(place, device="cpu")
    assert (len(again), again.encoder.balance) == (35, 0.4)


def test_splits_play_their_parts(photos: Path, tmp_path: Path):
    root = tmp_path / "layout"
    for number, path in enumerate(sorted(photos.rglob("*.png"))):
        split = ("train", "train", "val", "test")[number % 4]
        target = root / split / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    engine = lookalike.build(root, tmp_path / "e.lookalike", **QUICK)
    counts = engine.manifest.counts
    assert (counts.train, counts.validation, counts.queries, counts.gallery) == (10, 4, 4, 14)
    assert engine.history().epochs[0].val_loss is not None
    assert "test" not in {picture.split("/")[0] for picture in engine.gallery.paths}
    assert "4 queries" in engine.evaluate(baselines=False).protocol


def test_foreign_and_newer_engines_are_refused(engine_path: Path, tmp_path: Path):
    import shutil

    copy = tmp_path / "copy.lookalike"
    shutil.copytree(engine_path, copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "version": 99}))
    with pytest.raises(EngineError, match="format version 99"):
        lookalike.open(copy)
    (copy / "manifest.json").write_text("{}")
    with pytest.raises(EngineError, match="not a Lookalike engine"):
        lookalike.open(copy)
    (copy / "manifest.json").write_text("{")
    with pytest.raises(EngineError, match="damaged"):
        lookalike.open(copy)
    with pytest.raises(EngineError, match="no engine at"):
        lookalike.open(tmp_path / "nothing")


def test_encoder_and_gallery_of_different_engines_are_refused(photos: Path, tmp_path: Path):
    import shutil

    first = lookalike.build(photos, tmp_path / "a.lookalike", **QUICK).layout
    second = lookalike.build(photos, tmp_path / "b.lookalike", seed=1, **QUICK).layout
    shutil.rmtree(first.gallery)
    shutil.copytree(second.gallery, first.gallery)
    with pytest.raises(EngineError, match=r"do not belong together.*lookalike index"):
        open_engine(first.directory).search(photos / "disc" / "00.png")
    repaired = index_engine(first.directory, device="cpu")
    assert len(repaired.search(photos / "disc" / "00.png", 3)) == 3
    shutil.rmtree(first.encoder)
    shutil.copytree(second.encoder, first.encoder)
    fresh = open_engine(first.directory, device="cpu")
    with pytest.raises(EngineError, match="do not belong together"):
        fresh.search(np.zeros((16, 16, 3), np.uint8))


def test_damaged_parts_are_named(photos: Path, tmp_path: Path):
    layout = lookalike.build(photos, tmp_path / "a.lookalike", **QUICK).layout
    weights = layout.encoder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(EngineError, match=r"encoder .* is damaged"):
        _ = open_engine(layout.directory, device="cpu").encoder
    for file in (layout.gallery / "data").iterdir():
        file.write_bytes(file.read_bytes()[:10])
    with pytest.raises(GalleryError, match="damaged"):
        _ = open_engine(layout.directory, device="cpu").gallery


def test_nothing_to_build_from(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CollectionError):
        lookalike.build(tmp_path / "empty", tmp_path / "e.lookalike")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.jpg").write_bytes(b"no")
    with pytest.raises(CollectionError, match=r"a\.jpg"):
        lookalike.build(tmp_path / "broken", tmp_path / "e.lookalike", size=16, channels=3)
    with pytest.raises(CollectionError, match="no folder, list or data set"):
        lookalike.build(tmp_path / "nowhere", tmp_path / "e.lookalike")
    with pytest.raises(SettingsError, match="did you mean digits-conv16"):
        lookalike.build(_one_picture(tmp_path), tmp_path / "e.lookalike", preset="digit-conv16")


def _one_picture(tmp_path: Path) -> Path:
    from PIL import Image

    (tmp_path / "one").mkdir()
    Image.new("RGB", (20, 20), "red").save(tmp_path / "one" / "a.png")
    return tmp_path / "one"


def test_one_picture_is_enough(tmp_path: Path):
    engine = lookalike.build(_one_picture(tmp_path), tmp_path / "e.lookalike", **QUICK)
    assert len(engine) == 1
    assert len(engine.search("a.png")) == 0
    assert engine.search("a.png", include_self=True).paths == ("a.png",)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(photos: Path, tmp_path: Path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(StorageError, match="permission denied"):
        lookalike.build(photos, tmp_path / "closed" / "e.lookalike", **QUICK)


def test_natural_image_follows_the_pictures(photos: Path, tmp_path: Path):
    from PIL import Image

    assert natural_image(find_pictures(photos)).shape == (3, 48, 48)
    for number in range(3):
        Image.new("L", (30, 200), 40 * number).save(tmp_path / f"{number}.png")
    assert natural_image(find_pictures(tmp_path)).shape == (1, 28, 28)


def test_an_adapted_network_sees_all_but_tiny_pictures_at_its_own_size(tmp_path: Path):
    from PIL import Image

    settings = BuildSettings(preset="efficientnet-lite0-twin")
    preset = get_preset(settings.preset)
    for side, wanted in ((28, 28), (72, 224), (300, 224)):
        folder = tmp_path / str(side)
        folder.mkdir()
        Image.new("RGB", (side, side), (200, 90, 10)).save(folder / "one.png")
        image = _choose_image(preset, settings, find_pictures(folder))
        assert image.shape == (3, wanted, wanted)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("epochs", 0, "epochs is 0"),
        ("batch_size", -1, "batch-size is -1"),
        ("channels", 2, "channels is 2"),
        ("learning_rate", 0.0, "learning rate is 0"),
        ("seed", -1, "seed is -1"),
        ("seed", 2**63, "seed is 9223372036854775808"),
        ("metric", "manhattan", "unknown metric"),
    ],
)
def test_settings_are_checked(setting: str, value: object, message: str):
    with pytest.raises(SettingsError, match=message):
        BuildSettings(**{setting: value})


def test_the_report_looks_for_the_data_where_the_build_did(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from dataclasses import replace

    from lookalike.engine import sources

    asked = []

    def load(name: str, home: Path, *, archive: Path | None, **_: object) -> Collection:
        asked.append((home, archive))
        return replace(find_pictures(photos), source=name)

    monkeypatch.setattr(sources, "load_dataset", load)
    home, archive = tmp_path / "data", tmp_path / "mnist.zip"
    settings = {**QUICK, "report": True, "data_home": home, "archive": archive}
    engine = lookalike.build("mnist", tmp_path / "e.lookalike", **settings)
    assert (engine.layout.reports / "metrics.json").exists()
    assert set(asked) == {(home, archive)}
    assert len(asked) == 2


def test_the_largest_seed_builds_and_reports(photos: Path, tmp_path: Path):
    settings = {**QUICK, "report": True, "seed": 2**63 - 1}
    engine = lookalike.build(photos, tmp_path / "e.lookalike", **settings)
    assert (engine.layout.reports / "map.png").exists()
    for seed in (-1, 2**32):
        with pytest.raises(SettingsError, match="seed of the map"):
            engine.map(seed=seed)


@pytest.mark.parametrize(
    "name", ["file.py/e.lookalike", "n" * 300, "n" * 250, "n" * 300 + "/e.lookalike"]
)
def test_an_impossible_output_is_one_line(photos: Path, tmp_path: Path, name: str):
    (tmp_path / "file.py").write_text("")
    for resume in (False, True):
        with pytest.raises(StorageError, match=r"not a directory|name too long"):
            lookalike.build(photos, tmp_path / name, resume=resume, **QUICK)
    with pytest.raises(LookalikeError):
        lookalike.open(tmp_path / name)
