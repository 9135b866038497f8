"""Exact search, top 10 of 100,000 × 128: ours beside the field's ways, in turn, in one run.

python -m benchmarks.exact_search [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import faiss
import numpy as np
import torch

from lookalike.gallery import ExactIndex

ROUNDS = 15
K = 10


def main() -> None:
    """Measure one query and a batch, print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    gallery = random.normal(size=(arguments.pictures, arguments.width)).astype(np.float32)
    results = {}
    for queries in (1, 1000):
        asked = random.normal(size=(queries, arguments.width)).astype(np.float32)
        results[queries] = _compare(gallery, asked, ROUNDS if queries == 1 else 3)
    if arguments.json:
        print(json.dumps(results))
        return
    for queries, rows in results.items():
        print(f"{queries} queries, median milliseconds and times ours (spread over rounds)")
        for name, row in rows.items():
            print(
                f"  {name:<12} {row['ms']:10.2f}  {row['ratio']:6.2f}"
                f" ({row['low']:.2f} to {row['high']:.2f})"
            )


def _compare(gallery: np.ndarray, queries: np.ndarray, rounds: int) -> dict[str, dict[str, float]]:
    ways = _ways(gallery, queries)
    for way in ways.values():
        way()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
    rows = {}
    for name, seconds in times.items():
        ratios = [one / ours for one, ours in zip(seconds, times["ours"], strict=True)]
        rows[name] = {
            "ms": statistics.median(seconds) * 1000,
            "ratio": statistics.median(ratios),
            "low": min(ratios),
            "high": max(ratios),
        }
    return rows


def _ways(gallery: np.ndarray, queries: np.ndarray) -> dict[str, Callable[[], object]]:
    ours = ExactIndex(gallery, "euclidean")
    flat = faiss.IndexFlatL2(gallery.shape[1])
    flat.add(gallery)
    half_lengths = np.square(gallery).sum(axis=1) / 2
    rows, asked = torch.from_numpy(gallery), torch.from_numpy(queries)

    def by_numpy() -> None:
        scores = half_lengths - queries @ gallery.T
        np.argpartition(scores, K, axis=1)[:, :K]

    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: ours.search(queries, K),
        "faiss flat": lambda: flat.search(queries, K),
        "numpy": by_numpy,
    }
    if len(queries) == 1:  # a batch would need all its distances in memory at once
        ways["torch.cdist"] = lambda: torch.cdist(asked, rows).topk(K, largest=False)
    return ways


if __name__ == "__main__":
    main()
