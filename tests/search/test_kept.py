from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.gallery import ExactIndex
from lookalike.search import SpectralSettings, kept, kept_spectral, spectral_axes

SETTINGS = SpectralSettings(neighbours=8, rank=5)


def cosine(seed: int = 0, count: int = 40) -> ExactIndex:
    rows = np.random.default_rng(seed).normal(size=(count, 6)).astype(np.float32)
    return ExactIndex(rows, "cosine")


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[ExactIndex]:
    """The indexes whose axes were computed instead of read, in order."""
    made: list[ExactIndex] = []

    def noted(index, settings):
        made.append(index)
        return spectral_axes(index, settings)

    monkeypatch.setattr(kept, "spectral_axes", noted)
    return made


def test_what_was_kept_is_what_was_prepared(tmp_path: Path, prepared: list):
    place = tmp_path / "new" / "spectral"
    first = kept_spectral(place, cosine(), SETTINGS)
    again = kept_spectral(place, cosine(), SETTINGS)
    assert len(prepared) == 1
    np.testing.assert_array_equal(again.axes, first.axes)
    np.testing.assert_array_equal(again.axes, spectral_axes(cosine(), SETTINGS))
    queries = np.random.default_rng(9).normal(size=(3, 6)).astype(np.float32)
    np.testing.assert_array_equal(
        again.search(queries, 40).scores, first.search(queries, 40).scores
    )
    (file,) = place.iterdir()
    assert file.suffix == ".safetensors"


@pytest.mark.parametrize(
    "other",
    [
        replace(SETTINGS, neighbours=9),
        replace(SETTINGS, gamma=2.0),
        replace(SETTINGS, rank=4),
        replace(SETTINGS, damping=0.9),
    ],
)
def test_other_settings_find_nothing(tmp_path: Path, prepared: list, other: SpectralSettings):
    kept_spectral(tmp_path, cosine(), SETTINGS)
    found = kept_spectral(tmp_path, cosine(), other)
    assert len(prepared) == 2
    np.testing.assert_array_equal(found.axes, spectral_axes(cosine(), other))


def test_settings_of_the_query_alone_need_no_other_axes(tmp_path: Path, prepared: list):
    kept_spectral(tmp_path, cosine(), SETTINGS)
    found = kept_spectral(tmp_path, cosine(), replace(SETTINGS, sources=2, weight=0.1))
    assert len(prepared) == 1
    assert found.settings.weight == 0.1


def test_another_gallery_or_metric_finds_nothing(tmp_path: Path, prepared: list):
    index = cosine()
    kept_spectral(tmp_path, index, SETTINGS)
    moved, shorter, other = (index.embeddings.copy() for _ in range(3))
    moved[[3, 4]] = moved[[4, 3]]
    other[7, 2] = np.nextafter(other[7, 2], 9)
    for number, rows in enumerate((moved, shorter[:-1], other), start=2):
        found = kept_spectral(tmp_path, ExactIndex(rows, "cosine"), SETTINGS)
        assert len(prepared) == number
        assert len(found.axes) == len(rows)
    with pytest.raises(SettingsError, match="needs the metric cosine, got inner"):
        kept_spectral(tmp_path, ExactIndex(index.embeddings, "inner"), SETTINGS)


def _flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-9] ^= 1  # a bit within the axes: safetensors itself would not notice
    file.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-40]),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"not a safetensors file at all" * 9),
        _flip,
    ],
)
def test_a_damaged_file_is_made_anew(tmp_path: Path, prepared: list, damage):
    kept_spectral(tmp_path, cosine(), SETTINGS)
    (file,) = tmp_path.iterdir()
    damage(file)
    found = kept_spectral(tmp_path, cosine(), SETTINGS)
    np.testing.assert_array_equal(found.axes, spectral_axes(cosine(), SETTINGS))
    assert len(prepared) == 2
    kept_spectral(tmp_path, cosine(), SETTINGS)
    assert len(prepared) == 2


def test_the_file_of_another_key_is_not_taken_for_this_one(tmp_path: Path, prepared: list):
    """As two keys that begin alike would, or a file that somebody renamed."""
    kept_spectral(tmp_path / "a", cosine(0), SETTINGS)
    kept_spectral(tmp_path / "b", cosine(1), SETTINGS)
    (mine,), (theirs,) = (list((tmp_path / name).iterdir()) for name in "ab")
    mine.write_bytes(theirs.read_bytes())
    kept_spectral(tmp_path / "a", cosine(0), SETTINGS)
    assert len(prepared) == 3


def test_where_nothing_can_be_written_it_still_answers(tmp_path: Path, prepared: list, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        assert len(kept_spectral(place, cosine(), SETTINGS)) == 40
    assert (tmp_path / "file").read_text() == "in the way"

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert len(kept_spectral(tmp_path / "full", cosine(), SETTINGS)) == 40
    assert list((tmp_path / "full").iterdir()) == []
    assert len(prepared) == 3


def test_those_made_last_stay(tmp_path: Path, prepared: list):
    for seed in range(kept.KEPT + 2):
        kept_spectral(tmp_path, cosine(seed), SETTINGS)
        for file in tmp_path.iterdir():  # make them older, so that their order is certain
            os.utime(file, ns=(0, file.stat().st_mtime_ns - 10**9))
    assert len(list(tmp_path.iterdir())) == kept.KEPT
    made = len(prepared)
    for seed in range(2, kept.KEPT + 2):
        kept_spectral(tmp_path, cosine(seed), SETTINGS)
    assert len(prepared) == made
    kept_spectral(tmp_path, cosine(0), SETTINGS)
    assert len(prepared) == made + 1
