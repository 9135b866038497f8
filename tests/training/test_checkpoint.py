from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_training import run, same, tiny, weights
from torch import nn

from lookalike.errors import DivergedError, StorageError, TrainingError, TrainingStopped
from lookalike.training import checkpoint as checkpoint_module
from lookalike.training.checkpoint import read_checkpoint
from lookalike.types import Progress


def stop_after(pictures: int):
    def on_progress(progress: Progress) -> None:
        if progress.done > pictures:
            raise KeyboardInterrupt

    return on_progress


@pytest.fixture(autouse=True)
def _report_every_step(monkeypatch):
    monkeypatch.setattr("lookalike.training.run.SECONDS_BETWEEN_REPORTS", 0.0)


@pytest.mark.parametrize("pictures", [50, 89, 100, 170])
def test_a_resumed_run_is_the_uninterrupted_one(pixels, tmp_path: Path, pictures: int):
    whole, record = run(pixels, epochs=5, decay=1e-3, checkpoint=tmp_path / "whole")
    place = tmp_path / "stopped"
    with pytest.raises(TrainingStopped, match="--resume"):
        run(pixels, epochs=5, decay=1e-3, checkpoint=place, on_progress=stop_after(pictures))
    resumed, again = run(pixels, epochs=5, decay=1e-3, checkpoint=place, resume=True)
    assert same(whole, resumed)
    assert [e.train_loss for e in again.epochs] == [e.train_loss for e in record.epochs]
    kept, wanted = read_checkpoint(place), read_checkpoint(tmp_path / "whole")
    assert kept.step == wanted.step
    assert kept.tensors.keys() == wanted.tensors.keys()
    assert all(torch.equal(kept.tensors[name], wanted.tensors[name]) for name in kept.tensors)


def test_a_stop_before_the_first_checkpoint_says_so(pixels, tmp_path: Path):
    with pytest.raises(TrainingStopped, match="after epoch 0 of 3; no checkpoint"):
        run(pixels, checkpoint=tmp_path, on_progress=stop_after(0))
    assert read_checkpoint(tmp_path) is None
    model, _ = run(pixels, checkpoint=tmp_path, resume=True)
    assert same(model, run(pixels)[0])


def test_a_finished_run_is_not_run_again(pixels, tmp_path: Path):
    model, record = run(pixels, checkpoint=tmp_path)
    again, kept = run(pixels, checkpoint=tmp_path, resume=True)
    assert same(model, again)
    assert kept == record


def test_without_resume_it_starts_from_scratch(pixels, tmp_path: Path):
    run(pixels, checkpoint=tmp_path, epochs=1)
    model, record = run(pixels, checkpoint=tmp_path)
    assert len(record) == 3
    assert same(model, run(pixels)[0])


def test_more_epochs_can_be_added(pixels, tmp_path: Path):
    run(pixels, checkpoint=tmp_path, epochs=2)
    longer, record = run(pixels, checkpoint=tmp_path, epochs=4, resume=True)
    assert len(record) == 4
    assert same(longer, run(pixels, epochs=4)[0])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"learning_rate": 0.01}, "learning_rate 0.001 .now 0.01"),
        ({"seed": 5}, "seed 0 .now 5"),
        ({"rows": np.arange(10)}, "training pictures"),
        ({"epochs": 1}, "ask for as many or more"),
    ],
)
def test_other_settings_are_named(pixels, tmp_path: Path, changes: dict, named: str):
    run(pixels, checkpoint=tmp_path)
    with pytest.raises(TrainingError, match=named):
        run(pixels, checkpoint=tmp_path, resume=True, **changes)


def test_another_network_of_the_same_shapes_is_named(pixels, tmp_path: Path):
    run(pixels, checkpoint=tmp_path)
    other = tiny()
    other.encoder[2] = nn.LeakyReLU(0.2)
    with pytest.raises(TrainingError, match="network"):
        run(pixels, other, checkpoint=tmp_path, resume=True)


def test_other_pictures_are_named(pixels, tmp_path: Path):
    run(pixels, checkpoint=tmp_path)
    with pytest.raises(TrainingError, match="pictures"):
        run(255 - pixels, checkpoint=tmp_path, resume=True)


@pytest.mark.parametrize("name", ["checkpoint.json", "tensors"])
def test_a_damaged_checkpoint_is_one_line(pixels, tmp_path: Path, name: str):
    run(pixels, checkpoint=tmp_path)
    place = tmp_path / name if name.endswith("json") else next(tmp_path.glob("*.safetensors"))
    place.write_bytes(place.read_bytes()[: place.stat().st_size // 2])
    with pytest.raises(TrainingError, match="without --resume") as caught:
        run(pixels, checkpoint=tmp_path, resume=True)
    assert "\n" not in str(caught.value)


def test_a_newer_checkpoint_is_refused(pixels, tmp_path: Path):
    run(pixels, checkpoint=tmp_path)
    place = tmp_path / "checkpoint.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), "version": 99}))
    with pytest.raises(TrainingError, match="version 99"):
        run(pixels, checkpoint=tmp_path, resume=True)


def test_a_full_disk_leaves_the_last_checkpoint(pixels, tmp_path: Path, monkeypatch):
    run(pixels, checkpoint=tmp_path, epochs=1)

    def full(place: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(place))

    monkeypatch.setattr(checkpoint_module, "_write_bytes", full)
    with pytest.raises(StorageError, match="no space left"):
        run(pixels, checkpoint=tmp_path, epochs=3, resume=True)
    assert read_checkpoint(tmp_path).epoch == 1


def test_divergence_leaves_a_good_checkpoint(pixels, tmp_path: Path):
    run(pixels, checkpoint=tmp_path, epochs=2)
    poisoned = {"count": 0}

    class Breaks(torch.nn.Module):
        def __init__(self, inner: torch.nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            poisoned["count"] += 1
            return self.inner(x) * (float("nan") if poisoned["count"] > 14 else 1)

    place = tmp_path / "breaks"
    with pytest.raises(DivergedError, match=r"checkpoint of epoch 2 in .* is good"):
        run(pixels, Breaks(tiny()), epochs=5, checkpoint=place)
    kept = read_checkpoint(place)
    assert kept.epoch == 2
    assert all(torch.isfinite(value).all() for value in kept.tensors.values())


def test_no_pickle_on_disk(pixels, tmp_path: Path):
    model, _ = run(pixels, checkpoint=tmp_path)
    names = sorted(path.suffix for path in tmp_path.iterdir())
    assert names == [".json", ".safetensors"]
    kept = read_checkpoint(tmp_path)
    assert all(
        torch.equal(kept.tensors[f"model.{name}"], value) for name, value in weights(model).items()
    )


@pytest.mark.parametrize("torn", ["_write_bytes", "write_text"])
def test_a_kill_while_writing_leaves_the_old_checkpoint(
    pixels, tmp_path: Path, monkeypatch, torn: str
):
    run(pixels, checkpoint=tmp_path, epochs=1)

    class Killed(BaseException):
        """Nothing catches it, as nothing catches kill -9."""

    def cut_short(place: Path, content: bytes | str) -> None:
        content = content.encode() if isinstance(content, str) else content
        place.with_name(place.name + ".new").write_bytes(content[: len(content) // 2])
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_module, torn, cut_short)
        with pytest.raises(Killed):
            run(pixels, checkpoint=tmp_path, epochs=3, seed=9)  # the same epoch, other weights
    assert read_checkpoint(tmp_path).fingerprint["seed"] == 0
    model, _ = run(pixels, checkpoint=tmp_path, epochs=3, resume=True)
    assert same(model, run(pixels, epochs=3)[0])
    assert len(list(tmp_path.glob("*.safetensors*"))) == 1


def test_short_epochs_wait_in_memory_and_are_written_at_a_stop(pixels, tmp_path, monkeypatch):
    written = []
    write = checkpoint_module.Checkpoint.write

    def counted(self: checkpoint_module.Checkpoint, directory: Path) -> None:
        written.append(self.epoch)
        write(self, directory)

    monkeypatch.setattr(checkpoint_module.Checkpoint, "write", counted)
    monkeypatch.setattr(checkpoint_module, "WRITING_SHARE", 1e-9)
    with pytest.raises(TrainingStopped, match="after epoch 4 of 6"):
        run(pixels, epochs=6, checkpoint=tmp_path, on_progress=stop_after(4 * 45))
    assert written == [1, 4]
    assert read_checkpoint(tmp_path).epoch == 4


def test_a_stop_while_copying_to_memory_writes_no_mixture(pixels, tmp_path: Path, monkeypatch):
    copy, calls = checkpoint_module.CheckpointKeeper._copy, {"last": 0}

    def interrupted(self, name: str, value: torch.Tensor) -> torch.Tensor:
        calls["last"] += name == "model.decoder.0.bias"
        if calls["last"] == 3:
            raise KeyboardInterrupt
        return copy(self, name, value)

    monkeypatch.setattr(checkpoint_module, "WRITING_SHARE", 1e-9)
    monkeypatch.setattr(checkpoint_module.CheckpointKeeper, "_copy", interrupted)
    with pytest.raises(TrainingStopped, match="after epoch 1 of 5"):
        run(pixels, epochs=5, checkpoint=tmp_path)  # epoch 1 written, 2 waiting, 3 half copied
    monkeypatch.undo()
    model, _ = run(pixels, epochs=5, checkpoint=tmp_path, resume=True)
    assert same(model, run(pixels, epochs=5)[0])


def test_averages_of_many_channels_come_back_in_memory_order(pixels, tmp_path: Path):
    def wide() -> torch.nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return torch.nn.Sequential(
                torch.nn.Conv2d(1, 6, 3, padding=1),
                torch.nn.Conv2d(6, 5, 3, padding=1),
                torch.nn.Conv2d(5, 1, 3, padding=1),
            )

    run(pixels, wide(), epochs=2, checkpoint=tmp_path)
    resumed, _ = run(pixels, wide(), epochs=4, checkpoint=tmp_path, resume=True)
    assert same(resumed, run(pixels, wide(), epochs=4)[0])
