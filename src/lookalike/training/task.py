"""What a training run minimises, and what goes into it: the loop knows no more of a preset."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from lookalike.errors import SettingsError
from lookalike.models.adapted import AdaptedTwin
from lookalike.models.preset import TrainingSettings
from lookalike.models.twin import TwinAutoencoder
from lookalike.training.adapted import AdaptedTask
from lookalike.training.batches import PixelSource
from lookalike.training.objectives import OBJECTIVES, ReconstructionLoss
from lookalike.training.twin import TwinTask
from lookalike.types import OnProgress

__all__ = ["ReconstructionTask", "Task", "make_task"]


class Task(Protocol):
    """What a run trains."""

    @property
    def model(self) -> nn.Module:
        """Whose weights are trained."""

    @property
    def losses(self) -> nn.Module:
        """Map what `inputs` gives to a scalar, the mean loss."""

    def prepare(
        self, rows: NDArray[np.int64], *, fresh: bool, seed: int, on_progress: OnProgress
    ) -> None:
        """Do what comes before the first epoch; `fresh` unless the weights are a checkpoint's."""

    def estimate_preparation(self, rows: NDArray[np.int64]) -> float:
        """Return about how many seconds `prepare` will take."""

    def inputs(self, rows: NDArray[np.int64]) -> tuple[Tensor, ...]:
        """Return what `losses` takes for a batch of these rows."""


class ReconstructionTask:
    """An autoencoder that gives back its input."""

    def __init__(self, model: nn.Module, loss: str, source: PixelSource) -> None:
        self.model = model
        self.losses = ReconstructionLoss(model, OBJECTIVES[loss])
        self.source = source

    def prepare(
        self, rows: NDArray[np.int64], *, fresh: bool, seed: int, on_progress: OnProgress
    ) -> None:
        """Do nothing."""

    def estimate_preparation(self, rows: NDArray[np.int64]) -> float:
        """Return 0."""
        return 0.0

    def inputs(self, rows: NDArray[np.int64]) -> tuple[Tensor, ...]:
        """Return the pictures (B, C, H, W)."""
        return (self.source.pick(rows),)


def make_task(model: nn.Module, settings: TrainingSettings, source: PixelSource) -> Task:
    """Return the task that the settings' loss names.

    Raises:
        SettingsError: the loss is not for this network.
    """
    if settings.twin is None:
        return ReconstructionTask(model, settings.loss, source)
    if isinstance(model, AdaptedTwin):
        return AdaptedTask(model, settings.twin, source)
    if not isinstance(model, TwinAutoencoder):
        raise SettingsError("the twin loss trains twin autoencoders only: choose mse or bce")
    return TwinTask(model, settings.twin, source)
