from __future__ import annotations

from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from lookalike.errors import LookalikeError, SettingsError
from lookalike.training import Epoch, TrainingRecord, split_rows

numbers = st.floats(1e-9, 1e6)
epochs = st.lists(st.tuples(numbers, st.none() | numbers), min_size=1, max_size=5)


def record(losses) -> TrainingRecord:
    return TrainingRecord(
        tuple(
            Epoch(
                number,
                train_loss=train,
                val_loss=val,
                learning_rate=1e-3,
                seconds=2.0,
                images_per_second=10.0,
            )
            for number, (train, val) in enumerate(losses, start=1)
        ),
        stopped_early=False,
    )


@given(epochs)
def test_history_survives_the_disk(tmp_path_factory, losses):
    place = tmp_path_factory.mktemp("history") / "history.csv"
    if len({val is None for _, val in losses}) > 1:
        losses = [(train, None) for train, _ in losses]
    written = record(losses)
    written.write_csv(place)
    assert TrainingRecord.read_csv(place) == written
    assert written.seconds == 2.0 * len(losses)


def test_epochs_run_from_one():
    epoch = record([(1.0, None)]).epochs[0]
    with pytest.raises(LookalikeError):
        TrainingRecord((epoch, epoch), stopped_early=False)


def test_a_malformed_history_is_named(tmp_path: Path):
    place = tmp_path / "history.csv"
    place.write_text("epoch,train_loss\n1,abc\n")
    with pytest.raises(LookalikeError, match=r"history\.csv"):
        TrainingRecord.read_csv(place)


@given(st.integers(1, 200), st.floats(0, 0.99), st.integers(0, 100))
def test_a_split_takes_every_row_once(count: int, fraction: float, seed: int):
    rows = np.arange(count) * 3
    train, held_out = split_rows(rows, fraction, seed)
    assert sorted([*train, *held_out]) == rows.tolist()
    assert len(train) >= 1
    again = split_rows(rows, fraction, seed)
    np.testing.assert_array_equal(train, again[0])
    if fraction and count > 1:
        assert len(held_out) >= 1


@pytest.mark.parametrize(("fraction", "seed"), [(1.0, 0), (-0.1, 0), (0.1, -1)])
def test_bad_splits(fraction: float, seed: int):
    with pytest.raises(SettingsError):
        split_rows(np.arange(5), fraction, seed)
