"""The training split of Fashion-MNIST, part of it held out: what choices may be made by.

The test split is never looked at.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from lookalike.engine import data_home
from lookalike.evaluation import Metrics, evaluate_queries
from lookalike.images import ImageSpec, PictureCache, decode_collection, load_dataset
from lookalike.models.preset import Preset, TrainingSettings, TwinSettings

FIRST_QUERY = 50_000
BALANCES = (0.01, 0.25, 0.5, 0.75, 0.99)


@dataclass(frozen=True)
class HeldOut:
    """Pictures that are trained on and searched, and others that are the queries.

    Attributes:
        cache: the decoded pictures.
        trained: rows (N,) of the first.
        asked: rows (Q,) of the others.
    """

    cache: PictureCache
    trained: np.ndarray
    asked: np.ndarray

    @classmethod
    def load(cls, home: Path | None, pictures: int, queries: int) -> HeldOut:
        """Read the first `pictures` of the training split, and `queries` from the 50,000th on."""
        home = home or data_home()
        collection = load_dataset("fashion-mnist", home)
        image = ImageSpec(28, 28, 1)
        cache = decode_collection(collection, image, home / "cache-fashion-mnist-28")
        rows = cache.rows("train")
        return cls(cache, rows[:pictures], rows[FIRST_QUERY : FIRST_QUERY + queries])

    def measure(self, gallery: np.ndarray, queries: np.ndarray) -> Metrics:
        """Return how embeddings (N, D) of the ones answer embeddings (Q, D) of the others."""
        known, wanted = (
            [self.cache.labels[row] for row in rows] for rows in (self.trained, self.asked)
        )
        return evaluate_queries(gallery, known, queries, wanted, "cosine")


def image_of(preset: Preset) -> ImageSpec:
    """Return the preset's image at the size and colour of Fashion-MNIST."""
    return replace(preset.image, height=28, width=28, channels=1)


def settings_of(preset: Preset, changes: Sequence[str], **fixed: object) -> TrainingSettings:
    """Return the preset's training, changed by "NAME=VALUE" of `TrainingSettings` or its twin's."""
    assert preset.training is not None
    assert preset.training.twin is not None
    of_twin = {field.name for field in fields(TwinSettings)}
    inner, outer = {}, dict(fixed)
    for one in changes:
        name, _, value = one.partition("=")
        (inner if name in of_twin else outer)[name] = json.loads(value)
    twin = replace(preset.training.twin, **inner)
    return replace(preset.training, **{**outer, "twin": twin})


def as_words(found: Metrics) -> str:
    """Return the three figures that the tables hold."""
    return f"P@1 {found.p_at_1:.4f}  P@10 {found.p_at_10:.4f}  mAP@1000 {found.map_at_1000:.4f}"
