"""What one embedding for a picture and its mirror image changes, by labels.

    python -m benchmarks.mirrors --engine ENGINE

Takes the engine's decoded pictures, without its test split: leave-one-out where there are at most
5,000 of them, else 20,000 to search and 2,000 others as queries. Prints the metrics without and
with it, and how many mirrored pictures are nearer to their nearest other: the test that decides.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.engine import Engine, open_engine
from lookalike.evaluation import Metrics, evaluate_queries, leave_one_out
from lookalike.images import PictureCache
from lookalike.training.neighbours import nearer_when_mirrored

FEW = 5_000
SEARCHED, ASKED, JUDGED = 20_000, 2_000, 2_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", type=Path, required=True)
    engine = open_engine(parser.parse_args().engine)
    cache = engine.cache
    if cache is None:
        raise SystemExit("the engine's decoded pictures are gone: run `lookalike index` on it")
    rows = np.random.default_rng(0).permutation(cache.rows(None, "train", "val"))
    print(f"mirrored pictures nearer to their nearest other: {_share(engine, cache, rows):.1%}")
    for mirrors in (False, True):
        engine.encoder.mirrors = mirrors
        found = _measure(engine, cache, rows)
        print(
            f"{'one embedding' if mirrors else 'two embeddings'}: P@1 {found.p_at_1:.4f}, "
            f"P@10 {found.p_at_10:.4f}, MAP@R {found.map_at_r:.4f}"
        )


def _measure(engine: Engine, cache: PictureCache, rows: NDArray[np.int64]) -> Metrics:
    def embed(places: NDArray[np.int64]) -> NDArray[np.float32]:
        return engine.encoder.embed(cache.pixels, places)

    def labels(places: NDArray[np.int64]) -> list[str | None]:
        return [cache.labels[place] for place in places]

    if len(rows) <= FEW:
        return leave_one_out(embed(rows), labels(rows), "cosine")
    searched, asked = rows[:SEARCHED], rows[SEARCHED : SEARCHED + ASKED]
    return evaluate_queries(
        embed(searched), labels(searched), embed(asked), labels(asked), "cosine"
    )


def _share(engine: Engine, cache: PictureCache, rows: NDArray[np.int64]) -> float:
    """Return the share of pictures whose mirror image is at least as near to its nearest other."""
    engine.encoder.mirrors = False
    width = sum(part.width for part in engine.encoder.model.parts if part.role == "appearance")
    pixels = np.asarray(cache.pixels[np.sort(rows[:JUDGED])])
    upright = engine.encoder.embed(pixels)[:, :width]
    turned = engine.encoder.embed(np.ascontiguousarray(pixels[:, :, ::-1]))[:, :width]
    return nearer_when_mirrored(upright, turned)


if __name__ == "__main__":
    main()
