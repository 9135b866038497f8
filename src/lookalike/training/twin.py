"""Training the twin autoencoder: views and neighbours that agree, and a decoder that rebuilds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lookalike.models.descriptors import shrink
from lookalike.models.preset import TwinSettings
from lookalike.models.twin import LONGEST, TwinAutoencoder
from lookalike.parts import fit_parts
from lookalike.training.batches import PixelSource
from lookalike.training.neighbours import (
    MOST_COMPARED,
    is_mirrored,
    is_undirected,
    nearest,
    partners_for,
)
from lookalike.training.objectives import info_nce
from lookalike.training.views import augment
from lookalike.types import OnProgress, Progress, silent

__all__ = ["TwinLoss", "TwinTask"]

# Pictures that the linear codes are solved on, at most, and by which mirroring is judged.
FITTED = 10_000
JUDGED = 2_000
BATCH = 256


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
        both = shrink(torch.cat([x, partners]), LONGEST)
        views = augment(both, self.settings, flip=self.flip)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=_halves(x.device)):
            projected = self.model.head(self.model.encoder.meaning(views))
        # In full precision: a convolution to one channel trains slowly in bfloat16 on CPUs.
        rebuilt, target = self._rebuild(x)
        first, second = projected.float().split(len(x))
        error = functional.mse_loss(rebuilt.float(), target)
        return info_nce(first, second, self.settings.temperature) + error

    def _rebuild(self, x: Tensor) -> tuple[Tensor, Tensor]:
        target = x[: max(1, round(len(x) * self.settings.decoded))]
        with torch.no_grad():
            appearance = self.model.encoder.appearance(target)
        return self.model.decode(appearance), target


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
            self.model.fit(self._batches(_spread(rows, FITTED)))
        latents = self._appearances(rows, on_progress)
        parts = [part for part in self.model.parts if part.role == "appearance"]
        whitening = fit_parts(latents, parts)
        embeddings = whitening.apply(latents)
        if self.settings.flip is not False:
            judged = _spread(np.arange(len(rows)), JUDGED)
            mirrored = whitening.apply(self._mirrored(rows[judged]))
            self.losses.flip = self.settings.flip or is_mirrored(embeddings[judged], mirrored)
            self.model.mirrors = is_undirected(embeddings[judged], mirrored)
        wanted = self.settings.neighbours or partners_for(len(rows))
        on_progress(Progress("prepare", len(rows), len(rows), "nearest neighbours"))
        found = nearest(embeddings, wanted, seed=seed, device=self.source.device)
        self._near = rows[found]
        self._place = np.full(len(self.source.pixels), -1)
        self._place[rows] = np.arange(len(rows))

    def estimate_preparation(self, rows: NDArray[np.int64]) -> float:
        """Return about how many seconds `prepare` will take: a sample's time, grown to all."""
        sample = _spread(rows, JUDGED)
        started = time.perf_counter()
        latents = self._appearances(sample, silent)
        described = time.perf_counter()
        nearest(latents, partners_for(len(rows)), device=self.source.device)
        compared = time.perf_counter() - described
        pictures = len(rows) + min(len(rows), FITTED) + JUDGED
        pairs = len(rows) * min(len(rows), MOST_COMPARED) / len(sample) ** 2
        return (described - started) * pictures / len(sample) + compared * pairs

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

    def _appearances(self, rows: NDArray[np.int64], on_progress: OnProgress) -> NDArray[np.float32]:
        parts, done = [], 0
        with torch.inference_mode():
            for x in self._batches(rows):
                parts.append(self.model.encoder.appearance(x).float().cpu().numpy())
                done += len(x)
                on_progress(Progress("prepare", done, len(rows), "appearance"))
        return np.concatenate(parts)

    def _mirrored(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        with torch.inference_mode():
            found = [self.model.encoder.appearance(x.flip(3)) for x in self._batches(rows)]
        return torch.cat(found).float().cpu().numpy()

    def _batches(self, rows: NDArray[np.int64]) -> Iterator[Tensor]:
        for start, end in pairwise([*range(0, len(rows), BATCH), len(rows)]):
            yield self.source.pick(rows[start:end])


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return at most so many rows, evenly spread."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def _halves(device: torch.device) -> bool:
    """Whether bfloat16 is worth it: on a CPU that has it; a GPU's precision is Accelerate's."""
    return device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()
