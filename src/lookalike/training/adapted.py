"""Training on top of a frozen network: its embeddings of a few views are made once, before.

What is trained is small, so an epoch over pictures of any size takes seconds; nearly all the time
goes into the embeddings.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lookalike.models.adapted import AdaptedTwin
from lookalike.models.efficientnet import LATENT
from lookalike.models.preset import TwinSettings
from lookalike.parts import fit_parts
from lookalike.training.batches import PixelSource
from lookalike.training.neighbours import MOST_COMPARED, nearest, partners_for
from lookalike.training.objectives import info_nce
from lookalike.training.preparing import (
    FITTED,
    appearances,
    fit_appearance,
    judge_mirror,
    pictures,
)
from lookalike.training.runtime import local_randomness, random_seed
from lookalike.training.split import spread_rows
from lookalike.training.views import augment
from lookalike.types import OnProgress, Progress, silent

__all__ = ["AdaptedLoss", "AdaptedTask"]

# Augmented views embedded of each picture beside the picture itself; of a large collection fewer.
VIEWS = 3
VIEWS_OF_MANY = 1
MANY = 5_000
# Pictures embedded at once, and timed to estimate how long all will take.
BATCH = 64
# Names the random stream of the views, which no epoch may share.
STREAM = 2**32


class AdaptedLoss(nn.Module):
    """InfoNCE of the learned meanings of two views, and the decoder's mean squared error.

    Args:
        model: the network.
        temperature: of InfoNCE.
    """

    def __init__(self, model: AdaptedTwin, temperature: float) -> None:
        super().__init__()
        self.model = model
        self.temperature = temperature

    def forward(self, first: Tensor, second: Tensor, appearance: Tensor, x: Tensor) -> Tensor:
        """Return the mean loss, a scalar.

        Args:
            first: pretrained embeddings (B, 1280) of a view of each picture.
            second: (B, 1280), of a view of each picture's partner.
            appearance: appearance latents (D, A) of the pictures to rebuild.
            x: those pictures (D, C, H, W) in [0, 1].
        """
        meanings = self.model.encoder.learned(torch.cat([first, second]))
        one, other = self.model.head(meanings).float().split(len(first))
        decoder = self.model.decoder
        error = functional.mse_loss(decoder.rebuild(appearance).float(), decoder.target(x))
        return info_nce(one, other, self.temperature) + error


class AdaptedTask:
    """Trains what is around a frozen network, on embeddings that were made once.

    Args:
        model: the network.
        settings: of the training.
        source: the pictures.
    """

    def __init__(self, model: AdaptedTwin, settings: TwinSettings, source: PixelSource) -> None:
        self.model = model
        self.losses = AdaptedLoss(model, settings.temperature)
        self.settings = settings
        self.source = source
        self.flip = bool(settings.flip)
        self.seed = 0
        self._views = torch.empty(0, 0, LATENT)  # (V, N, 1280), float16, the pictures' own first
        self._appearances = torch.empty(0, 0)  # (N, A)
        self._near = np.empty((0, 0), np.int64)  # (N, K) places of pictures near to each
        self._place = np.empty(0, np.int64)  # row of the pictures -> place above; -1 for none

    def prepare(
        self, rows: NDArray[np.int64], *, fresh: bool, seed: int, on_progress: OnProgress
    ) -> None:
        """Solve the codes if `fresh`, embed all views, find each picture's neighbours."""
        self.seed = seed
        encoder = self.model.encoder
        if fresh:
            on_progress(Progress("prepare", 0, len(rows), "principal components"))
            self.model.fit_appearance(pictures(self.source, spread_rows(rows, FITTED)))
        latents = appearances(encoder, self.source, rows, on_progress=on_progress)
        if self.settings.flip is None:
            whitening = fit_appearance(encoder, latents)
            embeddings = whitening.apply(latents)
            self.flip = judge_mirror(encoder, self.source, rows, embeddings, whitening).views
        self._appearances = torch.from_numpy(latents)
        self._views = self._embed(rows, VIEWS if len(rows) <= MANY else VIEWS_OF_MANY, on_progress)
        code = encoder.code("pretrained")
        if fresh:
            sample = spread_rows(np.arange(len(rows)), FITTED)
            code.solve(self._views[0, torch.from_numpy(sample)].float())
        on_progress(Progress("prepare", len(rows), len(rows), "nearest neighbours"))
        self._near = self._find_near(seed)
        self._place = np.full(len(self.source.pixels), -1)
        self._place[rows] = np.arange(len(rows))

    def estimate_preparation(self, rows: NDArray[np.int64]) -> float:
        """Return about how many seconds `prepare` will take: a sample's time, grown to all."""
        encoder, sample = self.model.encoder, spread_rows(rows, BATCH)
        started = time.perf_counter()
        latents = appearances(encoder, self.source, sample)
        described = time.perf_counter()
        views = VIEWS if len(rows) <= MANY else VIEWS_OF_MANY
        self._embed(sample, views, silent)
        embedded = time.perf_counter()
        nearest(latents, partners_for(len(rows)), device=self.source.device)
        compared = time.perf_counter() - embedded
        pairs = len(rows) * min(len(rows), MOST_COMPARED) / len(sample) ** 2
        grown = (embedded - started + described - started) * len(rows) / len(sample)
        return grown + compared * pairs

    def inputs(self, rows: NDArray[np.int64]) -> tuple[Tensor, ...]:
        """Return what `AdaptedLoss` takes, drawn by torch's generator.

        Rows that were not prepared, those of the validation, are their own partners.
        """
        device, decoded = self.source.device, max(1, round(len(rows) * self.settings.decoded))
        x = self.source.pick(rows[:decoded])
        if not len(self._place):  # only timed: any numbers will do
            first, second = torch.randn(2, len(rows), LATENT, device=device)
            return first, second, self.model.encoder.appearance(x), x
        unknown = rows[self._place[rows] < 0]
        if len(unknown):
            self._add(unknown)
        places = self._place[rows]
        partners = self._partners(places)
        one = torch.randint(len(self._views), (len(rows),))
        other = (one + torch.randint(1, len(self._views), (len(rows),))) % len(self._views)
        return (
            self._views[one, torch.from_numpy(places)].to(device).float(),
            self._views[other, torch.from_numpy(partners)].to(device).float(),
            self._appearances[torch.from_numpy(places[:decoded])].to(device),
            x,
        )

    def _partners(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        count = self._near.shape[1]
        if self.settings.neighbour_share == 0 or not count:
            return places
        drawn = self._near[places, torch.randint(count, (len(places),)).numpy()]
        paired = torch.rand(len(places)).numpy() < self.settings.neighbour_share
        return np.where(paired, drawn, places)

    def _embed(self, rows: NDArray[np.int64], views: int, on_progress: OnProgress) -> Tensor:
        """Return the pretrained embeddings (1 + views, N, 1280) of pictures and their views."""
        device, backbone = self.source.device, self.model.encoder.backbone
        found = torch.empty(1 + views, len(rows), LATENT, dtype=torch.float16)
        done, seed = 0, random_seed(self.seed, STREAM, len(self._place), int(rows[0]))
        with torch.inference_mode(), local_randomness(device, seed):
            for x in pictures(self.source, rows, BATCH):
                seen = [x] + [augment(x, self.settings, flip=self.flip) for _ in range(views)]
                for view, one in enumerate(seen):
                    found[view, done : done + len(x)] = backbone(one).cpu()
                done += len(x)
                message = f"{1 + views} views through the pretrained network"
                on_progress(Progress("prepare", done, len(rows), message))
        return found

    def _find_near(self, seed: int) -> NDArray[np.int64]:
        """Return places (N, K) of each picture's nearest by appearance and pretrained embedding."""
        encoder = self.model.encoder
        code = encoder.code("pretrained")
        with torch.inference_mode():
            known = code(self._views[0].to(self.source.device).float()).cpu()
        latents = torch.cat([self._appearances, known], dim=1).numpy()
        embeddings = fit_parts(latents, encoder.parts[:-1]).apply(latents)
        wanted = self.settings.neighbours or partners_for(len(latents))
        return nearest(embeddings, wanted, seed=seed, device=self.source.device)

    def _add(self, rows: NDArray[np.int64]) -> None:
        """Embed pictures that are not trained on, as partners of themselves."""
        latents = appearances(self.model.encoder, self.source, rows)
        own = np.arange(len(self._near), len(self._near) + len(rows))
        self._place[rows] = own
        views = self._embed(rows, len(self._views) - 1, silent)
        self._views = torch.cat([self._views, views], dim=1)
        self._appearances = torch.cat([self._appearances, torch.from_numpy(latents)])
        self._near = np.concatenate([self._near, np.tile(own[:, None], self._near.shape[1])])
