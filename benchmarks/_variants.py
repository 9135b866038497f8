"""Other objectives and bodies for the twin's meaning, tried in its place and not kept.

Each is the published idea at the size of this network; what it gave is in docs/experiments.md.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.models.descriptors import shrink
from lookalike.models.preset import TwinSettings
from lookalike.models.twin import LONGEST, MEANING, Residual, TwinAutoencoder
from lookalike.training.objectives import info_nce
from lookalike.training.twin import TwinLoss, TwinTask
from lookalike.training.views import augment

PROJECTED = 128  # numbers in which views are compared
PROTOTYPES = 300
MOMENTUM = 0.99
ERASED = 0.25
SMALL_CROP = 0.25


class VICReg(TwinLoss):
    """Invariance, variance, covariance, 25 : 25 : 1. Bardes et al., "VICReg" (2022)."""

    def compare(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the loss of partners' projections (B, D)."""
        loss = 25 * functional.mse_loss(first, second)
        for one in (first, second):
            centred = one - one.mean(dim=0)
            loss = loss + 25 * functional.relu(1 - (one.var(dim=0) + 1e-4).sqrt()).mean()
            covariance = centred.T @ centred / (len(one) - 1)
            beside = covariance - torch.diag(covariance.diagonal())
            loss = loss + beside.square().sum() / one.shape[1]
        return loss


class SwAV(TwinLoss):
    """Swapped cluster assignments. Caron et al., "SwAV" (2020): 3 Sinkhorn rounds, ε .05, t .1."""

    def __init__(self, model: TwinAutoencoder, settings: TwinSettings) -> None:
        super().__init__(model, settings)
        model.extra = nn.Linear(PROJECTED, PROTOTYPES, bias=False)

    def compare(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the loss of partners' projections (B, D)."""
        prototypes = functional.normalize(self.model.extra.weight, dim=1)
        scores = [functional.normalize(one, dim=1) @ prototypes.T for one in (first, second)]
        codes = [_sinkhorn(one.detach()) for one in scores]
        losses = [
            -(code * functional.log_softmax(score / 0.1, dim=1)).sum(dim=1).mean()
            for code, score in zip(codes, scores[::-1], strict=True)
        ]
        return sum(losses, start=torch.zeros(())) / 2


class BYOL(TwinLoss):
    """A predictor that meets a slow teacher. Grill et al., "Bootstrap your own latent" (2020)."""

    def __init__(self, model: TwinAutoencoder, settings: TwinSettings) -> None:
        super().__init__(model, settings)
        model.extra = nn.Sequential(
            nn.Linear(PROJECTED, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, PROJECTED)
        )
        student = nn.ModuleList([model.encoder.body, model.encoder.last, model.head])
        # In a list: its weights follow the student's and are not trained.
        self.teacher = [copy.deepcopy(student).requires_grad_(requires_grad=False)]

    def meanings(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Return the student's predictions and the teacher's projections (2B, D)."""
        body, last, head = self.teacher[0]
        encoder = self.model.encoder
        student = nn.ModuleList([encoder.body, encoder.last, self.model.head])
        with torch.no_grad():
            pairs = zip(self.teacher[0].parameters(), student.parameters(), strict=True)
            for slow, quick in pairs:
                slow.lerp_(quick, 1 - MOMENTUM)
            taught = head(last(body(views)))
        return self.model.extra(self.project(views)), taught

    def forward(self, x: Tensor, partners: Tensor) -> Tensor:
        """Return the mean loss, a scalar."""
        predicted, taught = self.meanings(self.views(x, partners))
        predicted, taught = (functional.normalize(one, dim=1) for one in (predicted, taught))
        swapped = taught.roll(len(x), dims=0)
        return (2 - 2 * (predicted * swapped).sum(dim=1)).mean() + self.rebuilding(x)


class Predict(TwinLoss):
    """The meaning predicts the appearance (gradients, textures) of the partner, half-whitened."""

    def __init__(self, model: TwinAutoencoder, settings: TwinSettings) -> None:
        super().__init__(model, settings)
        model.extra = nn.Linear(PROJECTED, model.encoder.appearance_width)

    def forward(self, x: Tensor, partners: Tensor) -> Tensor:
        """Return the mean loss, a scalar."""
        with torch.no_grad():
            target = self.model.encoder.appearance(torch.cat([partners, x]))
            spread = self.model.encoder.spread
            target = target / (spread * spread.max()).sqrt().clamp(min=1e-3 * spread.max())
        found = self.model.extra(self.project(self.views(x, partners)))
        return functional.mse_loss(found, target) + self.rebuilding(x)


class Erased(TwinLoss):
    """InfoNCE of views of which a rectangle is grey. Zhong et al., "Random erasing" (2020)."""

    def views(self, x: Tensor, partners: Tensor) -> Tensor:
        """Return the views (2B, C, H, W)."""
        views = super().views(x, partners).clone()
        side = round(min(views.shape[2:]) * ERASED**0.5)
        for view in views:
            top = int(torch.randint(views.shape[2] - side + 1, ()))
            left = int(torch.randint(views.shape[3] - side + 1, ()))
            view[:, top : top + side, left : left + side] = 0.5
        return views


class MultiCrop(TwinLoss):
    """Two small crops more, each to agree with the large view of the other. Caron et al. (2020)."""

    def forward(self, x: Tensor, partners: Tensor) -> Tensor:
        """Return the mean loss, a scalar."""
        large = self.project(self.views(x, partners))
        small = TwinSettings(**{**vars(self.settings), "crop": SMALL_CROP})
        both = shrink(torch.cat([x, partners]), LONGEST)
        crops = self.project(augment(both, small, flip=self.flip))
        first, second = large.split(len(x))
        third, fourth = crops.split(len(x))
        pairs = ((first, second), (first, fourth), (third, second))
        losses = [info_nce(one, other, self.settings.temperature) for one, other in pairs]
        return sum(losses, start=torch.zeros(())) / len(pairs) + self.rebuilding(x)


def _sinkhorn(scores: Tensor) -> Tensor:
    codes = (scores / 0.05).exp().T
    codes = codes / codes.sum()
    for _ in range(3):
        codes = codes / codes.sum(dim=1, keepdim=True) / len(codes)
        codes = codes / codes.sum(dim=0, keepdim=True) / codes.shape[1]
    return (codes * codes.shape[1]).T


def _deeper(model: TwinAutoencoder) -> None:
    """Put a second residual block after each of the two."""
    deeper: list[nn.Module] = []
    for layer in model.encoder.body.layers:
        deeper.append(layer)
        if isinstance(layer, Residual):
            deeper.append(Residual(layer.layers[0].in_channels))
    model.encoder.body.layers = nn.Sequential(*deeper)


def _without_gradients(model: TwinAutoencoder) -> None:
    """Show the network pixels only: a first layer is learnt, the oriented gradients are 0."""
    seen = model.encoder.body.orientations.forward
    model.encoder.body.orientations.forward = lambda x: 0 * seen(x)  # type: ignore[method-assign]


def _narrow(model: TwinAutoencoder) -> None:
    """Leave the projection out: meanings themselves are compared."""
    model.head = nn.Linear(MEANING, PROJECTED)


def _same(model: TwinAutoencoder) -> None:
    """Leave the network alone."""


Change = Callable[[TwinAutoencoder], None]
VARIANTS: dict[str, tuple[type[TwinLoss], Change]] = {
    "preset": (TwinLoss, _same),
    "vicreg": (VICReg, _same),
    "swav": (SwAV, _same),
    "byol": (BYOL, _same),
    "predict-appearance": (Predict, _same),
    "erased": (Erased, _same),
    "multi-crop": (MultiCrop, _same),
    "deeper": (TwinLoss, _deeper),
    "no-gradients": (TwinLoss, _without_gradients),
    "no-hidden-layer": (TwinLoss, _narrow),
}


def variant_task(name: str) -> Callable[..., TwinTask]:
    """Return what makes the training task of a variant; it changes the model it is given."""
    return partial(_task, *VARIANTS[name])


def _task(
    loss: type[TwinLoss], change: Change, model: TwinAutoencoder, settings: object, source: object
) -> TwinTask:
    change(model)
    task = TwinTask(model, settings.twin, source)  # type: ignore[attr-defined]
    task.losses = loss(model, settings.twin)  # type: ignore[attr-defined]
    return task
