from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import SettingsError
from lookalike.images import ImageSpec
from lookalike.training.batches import PixelSource, batches, share, shuffled, to_input

CPU = torch.device("cpu")
IMAGE = ImageSpec(8, 8, 1)


@pytest.mark.parametrize(
    ("channels", "mean", "std"),
    [
        (1, (0.0,), (1.0,)),
        (3, (0.5,), (0.5,)),
        (3, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ],
)
def test_to_input_is_the_formula_written_out(channels, mean, std):
    batch = np.random.default_rng(0).integers(0, 256, (4, 5, 6, channels), dtype=np.uint8)
    x = to_input(batch, ImageSpec(5, 6, channels, mean, std), CPU)
    assert x.shape == (4, channels, 5, 6)
    assert x.dtype == torch.float32
    for c in range(channels):
        m, s = mean[c % len(mean)], std[c % len(std)]
        expected = (batch[..., c].astype(np.float64) / 255 - m) / s
        np.testing.assert_allclose(x[:, c].numpy(), expected, atol=1e-6)


def test_to_input_is_channels_last_and_leaves_the_bytes_alone():
    batch = np.full((2, 4, 4, 3), 255, dtype=np.uint8)
    x = to_input(batch, ImageSpec(4, 4, 3), CPU)
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert x.max() == 1
    assert batch.min() == 255


def test_a_tensor_and_an_array_give_the_same():
    batch = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    image = ImageSpec(4, 4, 3, (0.5,), (0.5,))
    assert torch.equal(to_input(batch, image), to_input(torch.from_numpy(batch), image))


@pytest.mark.parametrize(
    "batch", [np.zeros((2, 4, 4, 3), np.float32), np.zeros((2, 4, 5, 3), np.uint8)]
)
def test_another_type_or_shape_is_refused(batch):
    with pytest.raises(SettingsError, match=r"wanted pictures as uint8 \(B, 4, 4, 3\), got"):
        to_input(batch, ImageSpec(4, 4, 3))


@given(st.integers(0, 50), st.integers(1, 12), st.integers(1, 4))
def test_no_row_is_lost_or_repeated(count, size, smallest):
    parts = list(batches(np.arange(count), size, smallest))
    assert [row for part in parts for row in part] == list(range(count))
    assert all(len(part) == size for part in parts[:-1])
    if len(parts) > 1 and smallest <= size:
        assert smallest <= len(parts[-1]) < size + smallest


def test_a_last_picture_alone_joins_the_batch_before_it():
    sizes = [len(part) for part in batches(np.arange(33), 8, smallest=2)]
    assert sizes == [8, 8, 8, 9]


@given(st.integers(0, 40), st.integers(1, 5))
def test_the_processes_share_every_row_once(count, processes):
    parts = [share(np.arange(count), process, processes) for process in range(processes)]
    assert sorted(np.concatenate(parts)) == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_shuffling_permutes_and_repeats():
    rows = np.arange(100, 200)
    first, again, other = (shuffled(rows, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert sorted(first) == list(rows)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first != rows).any()


def test_pictures_kept_on_the_device_are_the_same_pictures(pixels):
    rows = np.array([7, 3, 30, 12])
    from_file = PixelSource(pixels, rows, IMAGE, CPU, resident=False)
    resident = PixelSource(pixels, rows, IMAGE, CPU, resident=True)
    for wanted in (np.array([30, 7]), np.array([12]), rows):
        assert torch.equal(from_file.pick(wanted), resident.pick(wanted))
    np.testing.assert_array_equal(
        from_file.pick(rows).numpy(),
        np.moveaxis(pixels[rows], 3, 1).astype(np.float32) / np.float32(255),
    )


def test_more_pictures_than_are_copied_at_once(pixels, monkeypatch):
    monkeypatch.setattr("lookalike.training.batches.COPY_ROWS", 3)
    source = PixelSource(pixels, np.arange(45), IMAGE, CPU, resident=True)
    assert torch.equal(source.pick(np.arange(45)), to_input(pixels, IMAGE))


def test_a_read_only_memory_map_will_do(tmp_path, pixels):
    np.save(tmp_path / "pixels.npy", pixels)
    mapped = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    source = PixelSource(mapped, np.arange(40), IMAGE, CPU)
    assert torch.equal(source.pick(np.array([5, 2])), to_input(pixels[[5, 2]], IMAGE))
