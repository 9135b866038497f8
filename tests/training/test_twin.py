"""The twin's training: its parts against slow references, and very few pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lookalike.images import ImageSpec
from lookalike.models import PRESETS, build_model
from lookalike.models.linear_code import LinearCode
from lookalike.training import neighbours, train
from lookalike.training.objectives import info_nce

IMAGE = ImageSpec(12, 12, 1)


def test_info_nce_is_equation_1_of_simclr():
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 5, 7, generator=generator).requires_grad_()
    units = [row / row.norm() for row in [*first, *second]]
    losses = []
    for i in range(10):
        partner = (i + 5) % 10
        others = sum(torch.exp(units[i] @ units[k] / 0.2) for k in range(10) if k != i)
        losses.append(-torch.log(torch.exp(units[i] @ units[partner] / 0.2) / others))
    torch.testing.assert_close(info_nce(first, second, 0.2), sum(losses) / 10)
    (gradient,) = torch.autograd.grad(info_nce(first, second, 0.2), first)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize(("count", "rank"), [(6, 5), (40, 10), (40, 3)])
def test_linear_codes_keep_what_a_singular_value_decomposition_keeps(count, rank):
    random = np.random.default_rng(0)
    data = (random.normal(size=(count, rank)) @ random.normal(size=(rank, 10))).astype(np.float32)
    code = LinearCode(10, 4)
    code.solve(torch.from_numpy(data))
    centred = data - data.mean(axis=0)
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    kept = min(4, rank)
    wanted = axes[:kept].T @ axes[:kept]
    np.testing.assert_allclose((code.axes @ code.axes.T).numpy(), wanted, atol=1e-4)
    np.testing.assert_allclose(code.spread[:kept], lengths[:kept] / count**0.5, rtol=1e-4)


@pytest.mark.parametrize("most", [100, 20])
def test_nearest_is_what_brute_force_finds(most, monkeypatch):
    monkeypatch.setattr(neighbours, "MOST_COMPARED", most)
    rows = np.random.default_rng(1).normal(size=(50, 6)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    compared = np.arange(50)
    if most < 50:
        compared = np.sort(np.random.default_rng(3).choice(50, most, replace=False))
    found = neighbours.nearest(rows, 4, seed=3)
    for i in range(50):
        others = [j for j in compared if j != i]
        assert found[i].tolist() == sorted(others, key=lambda j: -(rows[i] @ rows[j]))[:4]


def trained(pixels, tmp_path=None, epochs=2, resume=False):
    preset = PRESETS["twin"]
    model = build_model(preset, IMAGE, latent=8)
    settings = replace(preset.training, epochs=epochs, batch_size=8, schedule="constant")
    rows = np.arange(len(pixels))
    train(
        model, pixels, rows, image=IMAGE, settings=settings, seed=0, device="cpu",
        checkpoint=tmp_path, resume=resume,
    )  # fmt: skip
    return model


def same(one, two):
    return all(torch.equal(value, two.state_dict()[key]) for key, value in one.state_dict().items())


def test_the_seed_decides_and_a_resumed_training_is_the_same(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 12, 12, 1), dtype=np.uint8)
    whole = trained(pixels)
    assert same(whole, trained(pixels))
    trained(pixels, tmp_path, epochs=1)
    assert same(whole, trained(pixels, tmp_path, resume=True))


@pytest.mark.parametrize("count", [1, 2, 9])
def test_few_or_equal_pictures_train(count):
    model = trained(np.full((count, 12, 12, 1), 90, np.uint8))
    assert torch.isfinite(model.encode(torch.full((2, 1, 12, 12), 90 / 255))).all()
