"""What both twins need of the pictures before the first epoch: appearances, and the mirror."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lookalike.models.appearance import AppearanceEncoder
from lookalike.parts import PartedWhitening, fit_parts
from lookalike.training.batches import PixelSource
from lookalike.training.neighbours import is_mirrored, is_undirected
from lookalike.training.split import spread_rows
from lookalike.types import OnProgress, Progress, silent

__all__ = [
    "FITTED",
    "JUDGED",
    "Mirror",
    "appearances",
    "fit_appearance",
    "judge_mirror",
    "pictures",
]

# Pictures that the linear codes are solved on, at most, and by which mirroring is judged.
FITTED = 10_000
JUDGED = 2_000
BATCH = 256


def pictures(source: PixelSource, rows: NDArray[np.int64], size: int = BATCH) -> Iterator[Tensor]:
    """Give the pictures of these rows, batches of (B, C, H, W)."""
    for start, end in pairwise([*range(0, len(rows), size), len(rows)]):
        yield source.pick(rows[start:end])


def appearances(
    encoder: AppearanceEncoder,
    source: PixelSource,
    rows: NDArray[np.int64],
    *,
    mirrored: bool = False,
    on_progress: OnProgress = silent,
) -> NDArray[np.float32]:
    """Return the appearance latents (N, A) of these rows, or of their mirror images."""
    parts, done = [], 0
    with torch.inference_mode():
        for x in pictures(source, rows):
            turned = x.flip(3) if mirrored else x
            parts.append(encoder.appearance(turned).float().cpu().numpy())
            done += len(x)
            on_progress(Progress("prepare", done, len(rows), "appearance"))
    return np.concatenate(parts)


def fit_appearance(encoder: AppearanceEncoder, latents: NDArray[np.float32]) -> PartedWhitening:
    """Return the whitening of appearance latents (N, A)."""
    return fit_parts(latents, [part for part in encoder.parts if part.role == "appearance"])


@dataclass(frozen=True)
class Mirror:
    """What may be mirrored.

    Attributes:
        views: views of pictures in training: see `is_mirrored`.
        copies: a mirror image counts as a copy of its picture: see `is_undirected`.
    """

    views: bool
    copies: bool


def judge_mirror(
    encoder: AppearanceEncoder,
    source: PixelSource,
    rows: NDArray[np.int64],
    embeddings: NDArray[np.float32],
    whitening: PartedWhitening,
) -> Mirror:
    """Return what may be mirrored, judged by a sample of these rows.

    Args:
        encoder: what makes the appearances.
        source: the pictures.
        rows: of N pictures.
        embeddings: their whitened appearances (N, A).
        whitening: what whitened them.
    """
    judged = spread_rows(np.arange(len(rows)), JUDGED)
    mirrored = whitening.apply(appearances(encoder, source, rows[judged], mirrored=True))
    return Mirror(
        is_mirrored(embeddings[judged], mirrored), is_undirected(embeddings[judged], mirrored)
    )
