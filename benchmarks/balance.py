"""How the balance of appearance and meaning changes which edited copies find their originals.

    python -m benchmarks.balance --engine ENGINE [--pictures 130] [--data-home DIR]

Needs no labels. Prints recall@1 of medium and of strong copies for each balance.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lookalike.engine import open_engine, open_source
from lookalike.engine.card import edited_reader
from lookalike.evaluation import CopiesBatch, Strength, measure_copies, sample_positions
from lookalike.gallery import ExactIndex
from lookalike.images import decode

BALANCES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
STRENGTHS: tuple[Strength, ...] = ("medium", "strong")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=130)
    parser.add_argument("--data-home", type=Path)
    arguments = parser.parse_args()
    engine = open_engine(arguments.engine)
    read = edited_reader(engine, open_source(engine.manifest.source, home=arguments.data_home))
    same = np.unique(engine.gallery.sha256, return_inverse=True)[1]
    batches: list[CopiesBatch] = []
    measure_copies(
        read,
        lambda pictures: engine.encoder.embed(
            np.stack([decode(picture, engine.image).pixels for picture in pictures])
        ),
        engine.index("cosine"),
        sample_positions(len(engine), arguments.pictures, engine.manifest.seed),
        strengths=STRENGTHS,
        on_batch=batches.append,
    )
    for balance in BALANCES:
        encoder = engine.encoder
        index = ExactIndex(encoder.rebalanced(engine.gallery.embeddings, balance), "cosine")
        recall: dict[str, list[float]] = {strength: [] for strength in STRENGTHS}
        for batch in batches:
            found = index.search(encoder.rebalanced(batch.rows, balance), 1).positions[:, 0]
            recall[batch.strength].append(float(np.mean(same[found] == same[batch.positions])))
        figures = ", ".join(f"{name} {np.mean(values):.3f}" for name, values in recall.items())
        print(f"balance {balance}: {figures}")


if __name__ == "__main__":
    main()
