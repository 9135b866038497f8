from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tiny_training import IMAGE, run, same, tiny
from torch import nn

from lookalike.errors import DivergedError, SettingsError
from lookalike.images import ImageSpec
from lookalike.training import OBJECTIVES, resolve_device, to_input
from lookalike.training.batches import shuffled
from lookalike.training.precision import quick_precision
from lookalike.training.record import has_converged
from lookalike.training.runtime import random_seed


class Plain(nn.Module):
    """No dropout, no batch norm: what a bare loop can repeat."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.Linear(6, 64), nn.Sigmoid())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x).view(-1, 1, 8, 8)


def plain() -> Plain:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return Plain()


def test_it_is_a_bare_loop_with_the_same_batches(pixels):
    model, record = run(pixels, plain(), epochs=2, decay=0.01, epsilon=1e-7)
    bare, losses, step = plain(), [], 0
    optimizer = torch.optim.Adam(bare.parameters(), lr=1e-3, eps=1e-7)
    data = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    for epoch in (1, 2):
        generator = torch.Generator().manual_seed(random_seed(0, epoch))
        order, total = torch.randperm(45, generator=generator), 0.0
        for start in range(0, 45, 8):
            batch = data[order[start : start + 8]]
            with quick_precision(batch.device):
                rebuilt = bare(batch)
            loss = ((rebuilt.float() - batch) ** 2).mean()
            optimizer.param_groups[0]["lr"] = 1e-3 / (1 + 0.01 * step)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total, step = total + loss.item() * len(batch), step + 1
        losses.append(total / 45)
    for ours, theirs in zip(model.parameters(), bare.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    assert [epoch.train_loss for epoch in record.epochs] == pytest.approx(losses, rel=1e-5)
    assert record.epochs[-1].learning_rate == pytest.approx(1e-3 / (1 + 0.01 * (step - 1)))


def test_same_seed_same_bits_other_seed_other(pixels):
    first, record = run(pixels)
    second, again = run(pixels)
    other, _ = run(pixels, seed=1)
    assert same(first, second)
    assert [e.train_loss for e in record.epochs] == [e.train_loss for e in again.epochs]
    assert not same(first, other)


def test_nothing_global_is_touched(pixels):
    before = torch.get_rng_state()
    numpy_before = np.random.get_state()[1].copy()  # noqa: NPY002 - the global state is the point
    run(pixels, epochs=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()  # noqa: NPY002


def test_only_the_named_rows_are_seen(pixels):
    rows = np.arange(0, 45, 2)
    poisoned = pixels.copy()
    poisoned[1::2] = 0
    assert same(run(pixels, rows=rows)[0], run(poisoned, rows=rows)[0])


def test_a_last_batch_of_one_picture_trains(pixels):
    model, _ = run(pixels, rows=np.arange(41))
    assert all(torch.isfinite(value).all() for value in model.parameters())


def test_validation_is_in_evaluation_mode_and_changes_nothing(pixels):
    with_validation, record = run(pixels, rows=np.arange(30), val_rows=np.arange(30, 45))
    without, _ = run(pixels, rows=np.arange(30))
    assert same(with_validation, without)
    assert not with_validation.training
    x = to_input(pixels[30:], IMAGE)
    with torch.no_grad():
        expected = ((with_validation(x) - x) ** 2).mean().item()
    assert record.epochs[-1].val_loss == pytest.approx(expected, rel=1e-5)


def test_it_learns(pixels):
    smooth = np.repeat(np.repeat(pixels[:, :2, :2], 4, axis=1), 4, axis=2)
    _, record = run(smooth, epochs=40, learning_rate=0.02)
    assert record.epochs[-1].train_loss < 0.6 * record.epochs[0].train_loss


def test_early_stopping_waits_for_patience():
    assert not has_converged([3.0, 2.0, 1.0], 1)
    assert has_converged([1.0, 1.0], 1)
    assert not has_converged([], 1)
    assert not has_converged([1.0, 2.0, 3.0], None)


def test_early_stopping_ends_the_run(pixels):
    _, record = run(pixels, epochs=30, patience=2, learning_rate=1e-12)
    assert record.stopped_early
    assert len(record) < 30
    _, record = run(pixels, epochs=2, patience=5)
    assert not record.stopped_early


def test_progress_counts_pictures_over_all_epochs(pixels):
    seen = []
    run(pixels, on_progress=seen.append)
    assert seen[-1].done == seen[-1].total == 3 * 45
    assert [one.done for one in seen] == sorted(one.done for one in seen)
    assert "epoch 3/3 · loss 0." in seen[-1].message
    assert "images/s" in seen[-1].message


@pytest.mark.parametrize(("learning_rate", "what"), [(1e38, "no longer"), (1e30, "no longer")])
def test_a_loss_that_is_no_number_ends_the_run(pixels, learning_rate, what):
    with pytest.raises(DivergedError, match=what) as caught:
        run(pixels, plain_linear(), learning_rate=learning_rate)
    assert "--learning-rate" in str(caught.value)
    assert "\n" not in str(caught.value)


def plain_linear() -> nn.Module:
    """No sigmoid at the end: huge weights make huge outputs."""
    return nn.Sequential(nn.Conv2d(1, 4, 3, 1, 1), nn.Conv2d(4, 1, 3, 1, 1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": -1}, "seed"),
        ({"rows": np.zeros(0, np.int64)}, "no picture to train on"),
        ({"patience": 1, "monitor": "val_loss"}, "validation"),
        ({"loss": "bce", "image": ImageSpec(8, 8, 1, mean=(0.5,), std=(0.5,))}, r"\[0, 1\]"),
        ({"device": "abacus"}, "abacus"),
        ({"device": "cuda:99"}, "cuda"),
    ],
)
def test_what_cannot_be_trained(pixels, changes, message):
    with pytest.raises(SettingsError, match=message):
        run(pixels, **changes)


def test_a_device_is_found():
    assert resolve_device("cpu").type == "cpu"
    assert resolve_device("auto").type in {"cpu", "cuda", "mps"}


def test_objectives_are_their_formulas():
    random = np.random.default_rng(0)
    guess, target = random.random((4, 3)), random.random((4, 3))
    guess[0, 0] = 0  # Keras keeps the logarithm finite by clipping to 1e-7
    clipped = np.clip(guess, 1e-7, 1 - 1e-7)
    bce = -(target * np.log(clipped) + (1 - target) * np.log(1 - clipped)).mean()
    guess, target = torch.from_numpy(guess), torch.from_numpy(target)
    assert OBJECTIVES["bce"](guess, target).item() == pytest.approx(bce)
    assert OBJECTIVES["mse"](guess, target).item() == pytest.approx(
        ((guess - target) ** 2).mean().item()
    )


def test_input_is_normalised_and_channels_last():
    batch = np.arange(2 * 8 * 8 * 1, dtype=np.uint8).reshape(2, 8, 8, 1)
    x = to_input(batch, ImageSpec(8, 8, 1, mean=(0.5,), std=(0.25,)))
    expected = (batch.transpose(0, 3, 1, 2) / 255 - 0.5) / 0.25
    np.testing.assert_allclose(x.numpy(), expected, rtol=1e-5)
    with pytest.raises(SettingsError, match="wanted pictures as uint8"):
        to_input(batch.astype(np.float32), IMAGE)


def test_shuffling_loses_nothing():
    rows = np.arange(100, 150)
    order = shuffled(rows, torch.Generator().manual_seed(0))
    assert sorted(order) == rows.tolist()
    assert order.tolist() != rows.tolist()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_trains_to_about_the_same_loss(pixels):
    _, on_gpu = run(pixels, device="cuda")
    _, on_cpu = run(pixels)
    assert math.isclose(on_gpu.epochs[-1].train_loss, on_cpu.epochs[-1].train_loss, rel_tol=0.05)


def test_two_models_one_after_the_other(pixels):
    first, _ = run(pixels, tiny(3))
    second, _ = run(pixels, tiny(3))
    assert same(first, second)


def test_the_model_comes_back_ready_to_embed_and_to_save(pixels):
    model, _ = run(pixels)
    assert all(value.is_contiguous() for value in model.state_dict().values())
    assert not any(module.training for module in model.modules())
    assert "forward" not in vars(model)


@pytest.mark.parametrize("loss", OBJECTIVES)
def test_memory_format_does_not_change_what_is_learnt(pixels, loss, monkeypatch):
    ours, _ = run(pixels, tiny(), loss=loss)
    monkeypatch.setattr("torch.channels_last", torch.contiguous_format)
    plainly, _ = run(pixels, tiny(), loss=loss)
    for one, other in zip(ours.parameters(), plainly.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.skipif(not torch.backends.mps.is_available(), reason="no Apple GPU")
def test_an_apple_gpu_trains_to_about_the_same_loss(pixels):
    _, on_gpu = run(pixels, device="mps")
    _, on_cpu = run(pixels)
    assert math.isclose(on_gpu.epochs[-1].train_loss, on_cpu.epochs[-1].train_loss, rel_tol=0.05)


def test_every_epoch_drops_out_other_values(pixels):
    class Draws(nn.Module):
        drawn: tuple[float, ...] = ()

        def __init__(self) -> None:
            super().__init__()
            self.inner = tiny()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.drawn += (torch.rand(()).item(),)
            return self.inner(x)

    model, _ = run(pixels, Draws())
    assert len(set(model.drawn)) == len(model.drawn) == 3 * 6
