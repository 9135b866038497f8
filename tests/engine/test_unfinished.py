"""Interrupted trainings: other settings and other pictures are refused in a line one can read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import lookalike
from lookalike.engine import reporting
from lookalike.errors import (
    EngineError,
    LookalikeError,
    SettingsError,
    StorageError,
    TrainingError,
    TrainingStopped,
)
from lookalike.types import Progress

QUICK = {"epochs": 3, "batch_size": 8, "size": 16, "report": False, "device": "cpu"}


def stop(progress: Progress) -> None:
    if progress.stage == "train" and progress.done > 80:
        raise KeyboardInterrupt


def never(progress: Progress) -> None:
    pytest.fail(f"{progress.stage} was begun")


@pytest.fixture
def place(photos: Path, tmp_path: Path) -> Path:
    place = tmp_path / "e.lookalike"
    with pytest.raises(TrainingStopped):
        lookalike.build(photos, place, on_progress=stop, **QUICK)
    return place


def refusal(source: Path, place: Path, **settings: object) -> str:
    with pytest.raises(TrainingError) as caught:
        lookalike.build(source, place, resume=True, **{**QUICK, **settings})
    text = str(caught.value)
    assert "(--overwrite)" in text
    assert (place.with_name(place.name + ".partial") / "checkpoint" / "checkpoint.json").exists()
    return text.replace(str(place), "E")


def test_another_preset_is_the_first_thing_said(photos: Path, place: Path):
    text = refusal(photos, place, preset="tiny-conv8x8x8", on_progress=never)
    assert "was begun with preset twin (now tiny-conv8x8x8): go on with the same" in text
    assert len(text) < 200


def test_at_most_three_differences_are_named(photos: Path, place: Path):
    text = refusal(photos, place, size=20, channels=1, latent=9, batch_size=4, seed=3)
    assert "size 16 (now 20), channels 3 (now 1), latent 128 (now 9) and 2 more: " in text
    assert "batch size 8 (now 4): " in refusal(photos, place, batch_size=4)


def test_what_comes_to_the_same_is_no_difference(photos: Path, place: Path):
    engine = lookalike.build(
        photos, place, resume=True, channels=3, latent=128, learning_rate=0.002, metric="inner",
        **QUICK,
    )  # fmt: skip
    assert len(engine.history()) == 3
    assert not list(engine.layout.directory.glob("**/plan.json"))


def test_other_pictures_are_said_to_be_others(photos: Path, tmp_path: Path):
    root, place = tmp_path / "photos", tmp_path / "e.lookalike"
    shutil.copytree(photos, root)
    with pytest.raises(TrainingStopped):
        lookalike.build(root, place, on_progress=stop, **QUICK)
    (root / "disc" / "00.png").unlink()
    text = refusal(root, place)
    assert "the pictures have changed" in text
    assert "(36 then, 35 now)" in text


@pytest.mark.parametrize(
    "settings",
    [
        {"device": "gpu"},
        {"preset": "conv129"},
        {"preset": "vgg19", "weights": Path("nowhere.pth")},
        {"preset": "efficientnet-lite0", "epochs": 3},
    ],
    ids=lambda settings: str(next(iter(settings.values()))),
)
def test_wrong_settings_fail_before_decoding_and_leave_nothing(
    photos: Path, tmp_path: Path, settings: dict[str, object]
):
    given = {"report": False, "device": "cpu", **settings}
    with pytest.raises(LookalikeError):
        lookalike.build(photos, tmp_path / "e.lookalike", on_progress=never, **given)
    assert list(tmp_path.iterdir()) == []


def test_a_build_that_can_read_nothing_leaves_nothing(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(LookalikeError, match=r"a\.jpg"):
        lookalike.build(tmp_path / "photos", tmp_path / "e.lookalike", **QUICK)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_a_stop_before_anything_is_finished_leaves_nothing(photos: Path, tmp_path: Path):
    def at_once(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(TrainingStopped, match="before anything was finished"):
        lookalike.build(photos, tmp_path / "e.lookalike", on_progress=at_once, **QUICK)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_device_is_an_error_of_the_settings(photos: Path, tmp_path: Path):
    with pytest.raises(SettingsError, match="unknown device 'gpu'"):
        lookalike.build(photos, tmp_path / "e.lookalike", device="gpu")


@pytest.mark.parametrize("cause", [KeyboardInterrupt, StorageError("the disk is full")])
def test_a_build_stopped_in_its_report_goes_on_with_the_report(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cause: BaseException
):
    place = tmp_path / "an engine.lookalike"
    settings = {**QUICK, "epochs": 1, "report": True}

    def stop_in_report(*_: object, **__: object) -> None:
        raise cause

    monkeypatch.setattr(reporting, "_map", stop_in_report)
    with pytest.raises(LookalikeError) as caught:
        lookalike.build(photos, place, **settings)
    if cause is KeyboardInterrupt:
        assert isinstance(caught.value, TrainingStopped)
        assert f"`lookalike report '{place}'`" in str(caught.value)
        assert "(--resume)" in str(caught.value)
    monkeypatch.undo()
    before = lookalike.open(place).manifest
    with pytest.raises(EngineError, match="already there"):
        lookalike.build(photos, place, resume=True, **{**settings, "seed": 4})
    with pytest.raises(EngineError, match="already there"):
        lookalike.build(photos / "disc", place, resume=True, **settings)

    def not_trained(progress: Progress) -> None:
        assert progress.stage not in ("train", "embed")

    engine = lookalike.build(photos, place, resume=True, on_progress=not_trained, **settings)
    assert (engine.layout.reports / "report.html").exists()
    assert engine.manifest == before
