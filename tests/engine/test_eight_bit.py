"""The encoder in 8 bits: smaller, of the same form, its worth measured, refused if worthless."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import lookalike
from lookalike.encoder.eight_bit import in_eight_bits
from lookalike.engine.eight_bit import EightBits
from lookalike.errors import ExportError, StorageError


@pytest.fixture(scope="module")
def engine(photos: Path, tmp_path_factory: pytest.TempPathFactory):
    place = tmp_path_factory.mktemp("eight") / "e"
    return lookalike.build(
        photos, place, preset="conv128", epochs=2, batch_size=8, size=32, device="cpu", report=False
    )


def run(file: Path, pixels: np.ndarray) -> tuple[np.ndarray, dict[str, str]]:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (found,) = session.run(["embedding"], {"pixels": pixels})
    return found, session.get_modelmeta().custom_metadata_map


def test_it_is_smaller_and_finds_the_same(engine, tmp_path: Path, caplog):
    plain = engine.export(tmp_path / "plain.onnx")
    small = engine.export(tmp_path / "small.onnx", int8=True)
    assert not [line for line in caplog.records if line.levelname == "WARNING"]
    assert small.megabytes < 0.4 * plain.megabytes
    pixels = np.asarray(engine.cache.pixels)
    (before, said), (after, also_said) = (run(one.file, pixels) for one in (plain, small))
    assert also_said == {**said, "precision": "int8"}
    alike = (
        np.sum(before * after, 1) / np.linalg.norm(before, axis=1) / np.linalg.norm(after, axis=1)
    )
    assert alike.min() > 0.95
    worth = small.eight_bits
    assert worth is not None
    assert worth.same >= 0.8
    assert worth.speed > 0
    assert worth.pictures == 36
    assert worth.precision is not None
    assert abs(worth.precision[0] - worth.precision[1]) < 0.1
    assert "8 bits" in "\n".join(small.lines())
    assert json.loads(json.dumps(small.as_dict()))["eight_bits"]["pictures"] == 36


def test_what_finds_worse_is_not_written(engine, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("lookalike.engine.eight_bit.FEWEST_SAME", 1.01)
    with pytest.raises(ExportError, match="nearest stay the same"):
        engine.export(tmp_path / "small.onnx", int8=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("same", "precision", "problem"),
    [
        (0.9, None, ""),
        (0.7, None, "only 70% of the 10 nearest stay the same, wanted 80%"),
        (0.7, (0.5, 0.5), "only 70% of the 10 nearest stay the same, wanted 80%"),
        (0.9, (0.5, 0.495), ""),
        (0.99, (0.5, 0.48), "P@10 by labels falls from 0.5000 to 0.4800"),
        (0.99, (0.01, 0.009), "P@10 by labels falls from 0.0100 to 0.0090"),
    ],
)
def test_neighbours_and_labels_decide(same, precision, problem):
    assert EightBits(1.5, same, precision, 100).problem().startswith(problem)
    assert bool(problem) == bool(EightBits(1.5, same, precision, 100).problem())


def test_without_decoded_pictures_there_are_no_ranges(engine, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(type(engine), "cache", property(lambda self: None))
    with pytest.raises(ExportError, match="decoded pictures"):
        engine.export(tmp_path / "small.onnx", int8=True)


def test_what_runtime_says_is_one_line(engine):
    with pytest.raises(ExportError, match="8 bits"):
        in_eight_bits(b"no model", np.asarray(engine.cache.pixels), engine.encoder.image)


def test_a_full_disk_is_said_as_such(engine, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lookalike.encoder.eight_bit._join", full)
    with pytest.raises(StorageError, match="no space left"):
        in_eight_bits(b"", np.asarray(engine.cache.pixels), engine.encoder.image)
