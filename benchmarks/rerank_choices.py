"""What the defaults of expansion and re-ranking were chosen by: held-out training pictures.

The first pictures of Fashion-MNIST's training split are the gallery, the next ones the queries; the
test split is never looked at. Without `--embeddings`, the embedding is 128 half-whitened principal
axes of the pixels; with it, what `python -m benchmarks.experiments --save FILE` wrote.

python -m benchmarks.rerank_choices [--embeddings FILE] [--queries 3000] [--json]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.experiments import GALLERY
from benchmarks.rerank import Split, Way, quality
from lookalike.engine import data_home
from lookalike.gallery import ExactIndex, Neighbours
from lookalike.images import load_dataset
from lookalike.search import (
    SearchSettings,
    SpectralIndex,
    SpectralSettings,
    diffuse,
    k_reciprocal,
    nearest,
    spectral_axes,
)
from lookalike.whitening import fit_whitening

PCA_AXES = 128
DEFAULT = SpectralSettings()


def main() -> None:
    """Measure every variant, print a line for each."""
    arguments = _arguments()
    split = _split(arguments)
    index = ExactIndex(split.gallery, "cosine")
    results = {}
    for name, way in _ways(index):
        if not any(name.startswith(start) for start in arguments.only or [""]):
            continue
        found = quality(way(), split)
        results[name] = asdict(found)
        if not arguments.json:
            print(f"{name:<40} {found}", flush=True)
    if arguments.json:
        print(json.dumps(results))
    else:
        print(f"{len(split.asked):,} queries, {len(split.gallery):,} pictures")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-home", type=Path)
    parser.add_argument(
        "--embeddings", type=Path, help=".npy, float32 (N, D): of the first N training pictures"
    )
    parser.add_argument("--queries", type=int, default=3000)
    parser.add_argument("--only", action="append", metavar="START", help="of these names alone")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _split(arguments: argparse.Namespace) -> Split:
    collection = load_dataset("fashion-mnist", arguments.data_home or data_home())
    train = [n for n, picture in enumerate(collection.pictures) if picture.split != "test"]
    train = train[: GALLERY + arguments.queries]
    labels = np.array([collection.pictures[n].label for n in train])
    if arguments.embeddings is not None:
        rows = np.load(arguments.embeddings)[: len(train)]
    else:
        pixels = np.stack([np.asarray(collection.read(n)) for n in train])
        flat = pixels.reshape(len(pixels), -1).astype(np.float32) / 255
        rows = fit_whitening(flat[:GALLERY], dimensions=PCA_AXES).apply(flat)
    return Split(rows[:GALLERY], labels[:GALLERY], rows[GALLERY:], labels[GALLERY:])


def _ways(index: ExactIndex) -> Iterator[tuple[str, Callable[[], Way]]]:
    """Give names, and what prepares a way of that name."""

    def by(prepared: SpectralIndex | None = None, **chosen: Any) -> Callable[[], Way]:  # noqa: ANN401
        settings = SearchSettings(**chosen)
        return lambda: lambda asked, k: nearest(index, asked, k, settings, spectral=prepared)

    yield "plain", by()
    for expand in (3, 5, 10, 30):
        yield f"expand {expand}", by(expand=expand)
        yield f"expand {expand}, alpha 0", by(expand=expand, alpha=0.0)
    for other in ({}, {"k1": 50}, {"original": 0.1}, {"original": 0.5}):
        yield f"k-reciprocal {_text(other)}", _after(index, k_reciprocal, other)
    for other in ({}, {"original": 0.3}, {"original": 0.7}):
        yield f"diffusion {_text(other)}", _after(index, diffuse, other)
    yield from _spectral(index)


def _spectral(index: ExactIndex) -> Iterator[tuple[str, Callable[[], Way]]]:
    made: dict[str, np.ndarray] = {}

    def search(expand: int, **other: Any) -> Callable[[], Way]:  # noqa: ANN401
        def prepare() -> Way:
            settings = replace(DEFAULT, **other)
            key = json.dumps(settings.preparation())
            if key not in made:
                made[key] = spectral_axes(index, settings)
            prepared = SpectralIndex(index, settings, axes=made[key])
            how = SearchSettings(expand, rerank="spectral")
            return lambda asked, k: nearest(index, asked, k, how, spectral=prepared)

        return prepare

    for expand in (0, 3, 10):
        yield f"spectral, expand {expand}", search(expand)
    for other in (
        *({"weight": weight} for weight in (0.4, 0.8)),
        *({"sources": sources} for sources in (10, 20)),
        *({"rank": rank} for rank in (16, 24, 48, 64)),
        *({"neighbours": neighbours} for neighbours in (20, 100)),
        {"gamma": 1.0},
    ):
        yield f"spectral {_text(other)}", search(0, **other)


def _after(
    index: ExactIndex, rerank: Callable[..., Neighbours], other: dict[str, Any]
) -> Callable[[], Way]:
    return lambda: lambda asked, k: rerank(index, asked, index.search(asked, k), **other)


def _text(other: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in other.items()) or "as by default"


if __name__ == "__main__":
    main()
