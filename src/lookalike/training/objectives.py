"""What training minimises: pure functions.

`mse` and `bce` compare a reconstruction with its target, tensors of the same shape, and return the
mean over all elements, as Keras defines them, so every picture of a batch weighs the same.
`info_nce` compares two views of each picture with those of all others.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from lookalike.errors import TrainingError
from lookalike.training.precision import quick_precision

__all__ = ["BCE_EPSILON", "OBJECTIVES", "Objective", "ReconstructionLoss", "bce", "info_nce", "mse"]

Objective = Callable[[Tensor, Tensor], Tensor]

BCE_EPSILON = 1e-7  # Keras' `backend.epsilon()`: what its binary cross-entropy clips by


def mse(reconstruction: Tensor, target: Tensor) -> Tensor:
    """Mean squared error: mean of (reconstruction - target)².

    Args:
        reconstruction: (B, C, H, W), any range.
        target: (B, C, H, W).

    Raises:
        TrainingError: the shapes differ (torch would repeat the smaller one).

    Source:
        https://keras.io/api/losses/regression_losses/#meansquarederror-class

    >>> mse(torch.tensor([0.0, 0.5]), torch.tensor([1.0, 0.5]))
    tensor(0.5000)
    """
    _check_shapes(reconstruction, target)
    return torch.nn.functional.mse_loss(reconstruction, target)


def bce(reconstruction: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy: mean of -(t·log p + (1 - t)·log(1 - p)).

    p, the reconstruction, is first clipped to [1e-7, 1 - 1e-7]. With targets between 0 and 1 the
    least value is not 0 but the targets' own entropy.

    Args:
        reconstruction: (B, C, H, W), in [0, 1].
        target: (B, C, H, W), in [0, 1].

    Raises:
        TrainingError: the shapes differ.

    Source:
        https://keras.io/api/losses/probabilistic_losses/#binarycrossentropy-class

    >>> bce(torch.tensor([0.5, 0.5]), torch.tensor([0.0, 1.0]))  # log 2
    tensor(0.6931)
    """
    _check_shapes(reconstruction, target)
    # Not torch's own function: given NaN it raises on a CPU and kills the process's GPU context,
    # where training has to see the NaN and say what happened.
    p = reconstruction.clamp(BCE_EPSILON, 1 - BCE_EPSILON)
    return -torch.lerp((1 - p).log(), p.log(), target).mean()


def info_nce(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """InfoNCE in its symmetric form, NT-Xent: how surely each view finds its partner.

    Row i of `first` and row i of `second` are partners. With u the 2B rows, each scaled to length
    1, the loss is the mean over i of -log(exp(u_i·u_j / t) / Σ_{k≠i} exp(u_i·u_k / t)), where j is
    the partner of i. It lies between 0 and about log(2B - 1) + 2/t.

    Args:
        first: (B, D), any lengths.
        second: (B, D).
        temperature: t, above 0.

    Raises:
        TrainingError: the shapes differ.

    Source:
        Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations"
        (2020), equation 1; van den Oord et al. (2018).

    >>> info_nce(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 0.0]]), 0.5)  # nobody else
    tensor(0.)
    """
    if first.shape != second.shape:
        raise TrainingError(
            f"two views have embeddings of shapes {tuple(first.shape)} and {tuple(second.shape)}"
        )
    units = torch.nn.functional.normalize(torch.cat([first, second]), dim=1)
    similarities = units @ units.T / temperature
    similarities.fill_diagonal_(float("-inf"))
    rows = torch.arange(len(first), device=first.device)
    partners = torch.cat([rows + len(first), rows])
    return torch.nn.functional.cross_entropy(similarities, partners)


def _check_shapes(reconstruction: Tensor, target: Tensor) -> None:
    if reconstruction.shape != target.shape:
        raise TrainingError(
            f"the network turned an input of shape {tuple(target.shape)} into "
            f"{tuple(reconstruction.shape)}: an autoencoder gives back the shape it gets"
        )


OBJECTIVES: dict[str, Objective] = {"mse": mse, "bce": bce}


class ReconstructionLoss(nn.Module):
    """How badly a network gives back its own input, as a module: what Accelerate wraps.

    Args:
        model: maps (B, C, H, W) to (B, C, H, W).
        objective: compares the two.
    """

    def __init__(self, model: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.model = model
        self.objective = objective

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean loss of inputs (B, C, H, W), a scalar."""
        # What is validated decides when to stop, and is not rounded.
        with quick_precision(x.device) if self.training else nullcontext():
            reconstruction = self.model(x)
        # Under mixed precision the model may give bfloat16, in which 1 - 1e-7 is 1: log(0) waits.
        return self.objective(reconstruction.float(), x)
