"""Training the twin autoencoder: views and neighbours that agree, and a decoder that rebuilds."""

from __future__ import annotations

import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lookalike.models.descriptors import shrink
from lookalike.models.preset import TwinSettings
from lookalike.models.twin import LONGEST, TwinAutoencoder
from lookalike.training.batches import PixelSource
from lookalike.training.neighbours import MOST_COMPARED, nearest, partners_for
from lookalike.training.objectives import info_nce
from lookalike.training.precision import quick_precision
from lookalike.training.preparing import (
    FITTED,
    JUDGED,
    appearances,
    fit_appearance,
    judge_mirror,
    pictures,
)
from lookalike.training.split import spread_rows
from lookalike.training.views import augment
from lookalike.types import OnProgress, Progress

__all__ = ["TwinLoss", "TwinTask"]


class TwinLoss(nn.Module):
    """InfoNCE of the meanings of two views, and the decoder's mean squared error.

    The error trains the decoder alone: the appearance it decodes is solved, not trained.

    Args:
        model: the twin.
        settings: temperature and augmentation.

    Attributes:
        flip: whether views are mirrored.
    """

    def __init__(self, model: TwinAutoencoder, settings: TwinSettings) -> None:
        super().__init__()
        self.model = model
        self.settings = settings
        self.flip = bool(settings.flip)

    def forward(self, x: Tensor, partners: Tensor) -> Tensor:
        """Return the mean loss, a scalar.

        Args:
            x: pictures (B, C, H, W) in [0, 1].
            partners: (B, C, H, W), a picture near to each.
        """
        first, second = self.project(self.views(x, partners)).chunk(2)
        return self.compare(first, second) + self.rebuilding(x)

    def views(self, x: Tensor, partners: Tensor) -> Tensor:
        """Return a view (2B, C, h, w) of each picture and then of each partner."""
        both = shrink(torch.cat([x, partners]), LONGEST)
        return augment(both, self.settings, flip=self.flip)

    def project(self, views: Tensor) -> Tensor:
        """Return what is compared of views: (V, C, h, w) -> float32 (V, D)."""
        with quick_precision(views.device):
            projected: Tensor = self.model.head(self.model.encoder.meaning(views))
        return projected.float()

    def compare(self, first: Tensor, second: Tensor) -> Tensor:
        """Return how badly partners agree, a scalar; both are (B, D)."""
        return info_nce(first, second, self.settings.temperature)

    def rebuilding(self, x: Tensor) -> Tensor:
        """Return the decoder's error, a scalar, on the first pictures of a batch (B, C, H, W)."""
        target = x[: max(1, round(len(x) * self.settings.decoded))]
        with torch.no_grad():
            appearance = self.model.encoder.appearance(target)
        # In full precision: a convolution to one channel trains slowly in bfloat16 on CPUs.
        return functional.mse_loss(self.model.decode(appearance).float(), target)


class TwinTask:
    """Trains a twin: its codes are solved once, then each picture is paired with a neighbour.

    Args:
        model: the twin.
        settings: of the training.
        source: the pictures.
    """

    def __init__(self, model: TwinAutoencoder, settings: TwinSettings, source: PixelSource) -> None:
        self.model = model
        self.losses = TwinLoss(model, settings)
        self.settings = settings
        self.source = source
        self._near = np.empty((0, 0), np.int64)  # (N, K) rows of pictures near to each
        self._place = np.empty(0, np.int64)  # row of the pictures -> row of `_near`; -1 for none

    def prepare(
        self, rows: NDArray[np.int64], *, fresh: bool, seed: int, on_progress: OnProgress
    ) -> None:
        """Solve the codes if `fresh`, find each picture's neighbours, decide about mirroring."""
        if fresh:
            on_progress(Progress("prepare", 0, len(rows), "principal components"))
            self.model.fit(pictures(self.source, spread_rows(rows, FITTED)))
        encoder, source = self.model.encoder, self.source
        latents = appearances(encoder, source, rows, on_progress=on_progress)
        whitening = fit_appearance(encoder, latents)
        embeddings = whitening.apply(latents)
        if self.settings.flip is not False:
            mirror = judge_mirror(encoder, source, rows, embeddings, whitening)
            self.losses.flip = self.settings.flip or mirror.views
            self.model.mirrors = mirror.copies
        wanted = self.settings.neighbours or partners_for(len(rows))
        on_progress(Progress("prepare", len(rows), len(rows), "nearest neighbours"))
        found = nearest(embeddings, wanted, seed=seed, device=self.source.device)
        self._near = rows[found]
        self._place = np.full(len(self.source.pixels), -1)
        self._place[rows] = np.arange(len(rows))

    def estimate_preparation(self, rows: NDArray[np.int64]) -> float:
        """Return about how many seconds `prepare` will take: a sample's time, grown to all."""
        sample = spread_rows(rows, JUDGED)
        started = time.perf_counter()
        latents = appearances(self.model.encoder, self.source, sample)
        described = time.perf_counter()
        nearest(latents, partners_for(len(rows)), device=self.source.device)
        compared = time.perf_counter() - described
        count = len(rows) + min(len(rows), FITTED) + JUDGED
        pairs = len(rows) * min(len(rows), MOST_COMPARED) / len(sample) ** 2
        return (described - started) * count / len(sample) + compared * pairs

    def inputs(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return pictures (B, C, H, W) and a partner for each, drawn by torch's generator."""
        count = self._near.shape[1]
        places = self._place[rows] if count else np.full(len(rows), -1)
        if self.settings.neighbour_share == 0 or (places < 0).any():
            x = self.source.pick(rows)
            return x, x
        drawn = self._near[places, torch.randint(count, (len(rows),)).numpy()]
        paired = torch.rand(len(rows)).numpy() < self.settings.neighbour_share
        return self.source.pick(rows), self.source.pick(np.where(paired, drawn, rows))
