"""What expansion and re-ranking give and cost, on Fashion-MNIST's training pictures alone.

The first pictures of the training split are the gallery, the last ones the queries: the test split
is never looked at, so that settings may be chosen by this table.

python -m benchmarks.rerank [--data-home DIR] [--engine DIR | --embeddings FILE] [--json]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.engine import data_home
from lookalike.evaluation.metrics import average_precision_at, precision_at
from lookalike.gallery import ExactIndex, Neighbours
from lookalike.images import load_dataset
from lookalike.search import SearchSettings, SpectralIndex, diffuse, k_reciprocal, nearest
from lookalike.whitening import fit_whitening

DEPTH = 1000
PCA_AXES = 128


def main() -> None:
    """Measure every way, print a table."""
    arguments = _arguments()
    collection = load_dataset("fashion-mnist", arguments.data_home or data_home())
    train = [n for n, picture in enumerate(collection.pictures) if picture.split != "test"]
    labels = np.array([collection.pictures[n].label for n in train])
    rows = _embeddings(arguments, collection, train)
    gallery, asked = rows[: -arguments.queries], rows[-arguments.queries :]
    labels = labels[: len(rows)]
    known, wanted = labels[: len(gallery)], labels[len(gallery) :]
    index = ExactIndex(gallery, "cosine")
    started = time.perf_counter()
    spectral = SpectralIndex(index)
    prepared = time.perf_counter() - started
    results = {}
    for name, way in _ways(index, spectral).items():
        started = time.perf_counter()
        found = way(asked)
        seconds = time.perf_counter() - started
        results[name] = _measure(found, known, wanted, seconds)
        if not arguments.json:
            row = results[name]
            print(
                f"{name:<36} {row['P@1']:.4f}  {row['P@10']:.4f}  {row['mAP@1000']:.4f}"
                f"  {row['ms']:8.2f} ms",
                flush=True,
            )
    if arguments.json:
        print(json.dumps({"prepared_s": prepared, "rows": results}))
    else:
        print(f"{len(asked):,} queries, {len(gallery):,} pictures; spectral: {prepared:.1f} s once")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-home", type=Path)
    parser.add_argument("--engine", type=Path, help="embed with the encoder of this engine")
    parser.add_argument(
        "--embeddings", type=Path, help=".npy, float32 (N, D): latents of the first N pictures"
    )
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _embeddings(arguments: argparse.Namespace, collection: Any, train: list[int]) -> np.ndarray:  # noqa: ANN401
    """Return embeddings of the training pictures, whitening fitted on the gallery's alone."""
    if arguments.engine is not None:
        from lookalike.engine import open_engine

        engine = open_engine(arguments.engine)
        return engine.embed([np.asarray(collection.read(n)) for n in train])
    if arguments.embeddings is not None:
        rows = np.load(arguments.embeddings)
        return fit_whitening(rows[: -arguments.queries]).apply(rows)
    pixels = np.stack([np.asarray(collection.read(n)) for n in train])
    rows = pixels.reshape(len(pixels), -1).astype(np.float32) / 255
    return fit_whitening(rows[: -arguments.queries], dimensions=PCA_AXES).apply(rows)


def _ways(
    index: ExactIndex, spectral: SpectralIndex
) -> dict[str, Callable[[np.ndarray], Neighbours]]:
    def by(**chosen: Any) -> Callable[[np.ndarray], Neighbours]:  # noqa: ANN401
        settings = SearchSettings(**chosen)
        return lambda asked: nearest(index, asked, DEPTH, settings, spectral=spectral)

    ways = {"plain": by()}
    for expand in (3, 5, 10, 30):
        for alpha in (0, 3):
            ways[f"expand {expand}, alpha {alpha}"] = by(expand=expand, alpha=alpha)
    for depth in (100, 200):
        ways[f"k-reciprocal, depth {depth}"] = by(rerank="k-reciprocal", depth=depth)
    ways["diffusion"] = by(rerank="diffusion")
    ways["spectral"] = by(rerank="spectral")
    for expand in (3, 5, 10):
        ways[f"expand {expand}, spectral"] = by(expand=expand, rerank="spectral")
    ways["expand 3, k-reciprocal"] = by(expand=3, rerank="k-reciprocal")
    ways["expand 3, diffusion"] = by(expand=3, rerank="diffusion")
    for k1, original in ((20, 0.1), (20, 0.5), (50, 0.3)):
        ways[f"k-reciprocal, k1 {k1}, original {original}"] = _after(
            index, lambda *a, k1=k1, original=original: k_reciprocal(*a, k1=k1, original=original)
        )
    for original in (0.3, 0.7):
        ways[f"diffusion, original {original}"] = _after(
            index, lambda *a, original=original: diffuse(*a, original=original)
        )
    return ways


def _after(index: ExactIndex, rerank: Callable[..., Neighbours]) -> Callable[..., Neighbours]:
    return lambda asked: rerank(index, asked, index.search(asked, DEPTH))


def _measure(
    found: Neighbours, known: np.ndarray, wanted: np.ndarray, seconds: float
) -> dict[str, float]:
    relevant = known[found.positions] == wanted[:, None]
    totals = np.array([(known == label).sum() for label in wanted])
    return {
        "P@1": float(precision_at(relevant, 1).mean()),
        "P@10": float(precision_at(relevant, 10).mean()),
        "mAP@1000": float(average_precision_at(relevant, totals, DEPTH).mean()),
        "ms": 1000 * seconds / len(wanted),
    }


if __name__ == "__main__":
    main()
