from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from lookalike.errors import TrainingError
from lookalike.training.objectives import BCE_EPSILON, OBJECTIVES, ReconstructionLoss, bce, mse


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(4, 3, 5, 5, generator=generator), torch.rand(4, 3, 5, 5, generator=generator)


def test_mse_is_the_formula_written_out(pair):
    reconstruction, target = (value.numpy().astype(np.float64) for value in pair)
    expected = sum((p - t) ** 2 for p, t in zip(reconstruction.flat, target.flat, strict=True))
    assert mse(*pair).item() == pytest.approx(expected / target.size, rel=1e-6)


def test_bce_is_the_formula_written_out(pair):
    reconstruction, target = (value.numpy().astype(np.float64) for value in pair)
    expected = sum(
        -(t * np.log(p) + (1 - t) * np.log(1 - p))
        for p, t in zip(reconstruction.flat, target.flat, strict=True)
    )
    assert bce(*pair).item() == pytest.approx(expected / target.size, rel=1e-5)


def test_bce_and_its_gradient_agree_with_torch(pair):
    reconstruction, target = pair
    ours, theirs = (reconstruction.clone().requires_grad_() for _ in range(2))
    bce(ours, target).backward()
    functional.binary_cross_entropy(theirs, target).backward()
    torch.testing.assert_close(bce(reconstruction, target), functional.binary_cross_entropy(*pair))
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_bce_clips_as_keras_does():
    wrong, target = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0])
    # 1 - 1e-7 rounds to the float32 1 - 1.19e-7: the two halves differ a little.
    assert bce(wrong, target).item() == pytest.approx(-np.log(BCE_EPSILON), rel=0.01)


def test_bce_lets_nan_through_for_the_loop_to_see():
    assert bce(torch.tensor([float("nan")]), torch.tensor([0.5])).isnan()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_picture_weighs_the_same(name, pair):
    objective = OBJECTIVES[name]
    one_by_one = [objective(p[None], t[None]).item() for p, t in zip(*pair, strict=True)]
    assert objective(*pair).item() == pytest.approx(np.mean(one_by_one), rel=1e-5)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_shapes_that_torch_would_broadcast_are_refused(name):
    with pytest.raises(TrainingError, match=r"\(2, 1, 4, 4\) into \(2, 1, 1, 4\)"):
        OBJECTIVES[name](torch.rand(2, 1, 1, 4), torch.rand(2, 1, 4, 4))


def test_the_loss_is_taken_in_float32_under_mixed_precision():
    halves = torch.nn.Identity()
    halves.forward = lambda x: torch.ones_like(x, dtype=torch.bfloat16)
    loss = ReconstructionLoss(halves, bce)(torch.zeros(1, 1, 2, 2))
    assert loss.dtype == torch.float32
    assert loss.isfinite()
