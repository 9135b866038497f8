"""What expansion, re-ranking and several queries give and cost, on a finished engine.

The engine's own queries (the `test` split of its source) search its gallery. Quality is of all
queries, 1,000 hits each; time is of 10 hits, one query at a time and in a batch, each beside plain
search at the same moment: machines differ, and so do hours of one machine, but ratios stay.

What is chosen here was chosen elsewhere, on held-out training pictures: `rerank_choices.py`.

python -m benchmarks.rerank --engine ENGINE [--data-home DIR] [--only NAME ...] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lookalike.engine import Engine, open_engine
from lookalike.engine.sources import open_source
from lookalike.evaluation.metrics import average_precision_at, precision_at
from lookalike.gallery import ExactIndex, Neighbours
from lookalike.search import (
    SearchSettings,
    SpectralIndex,
    best_match,
    kept_spectral,
    mean_query,
    nearest,
)

DEPTH = 1000
HITS = 10
# Queries measured one at a time, and those of a batch.
SINGLES, BATCH = 40, 1000
# Pictures of one class that make one query together.
EXAMPLES = 3

Way = Callable[[np.ndarray, int], Neighbours]


@dataclass(frozen=True)
class Split:
    """Embeddings and labels of a gallery and of its queries."""

    gallery: np.ndarray
    known: np.ndarray
    asked: np.ndarray
    wanted: np.ndarray


@dataclass(frozen=True)
class Quality:
    """Means over the queries; mAP@1000 is divided by min(R, 1000)."""

    queries: int
    p_at_1: float
    p_at_10: float
    map_at_1000: float

    def __str__(self) -> str:
        return f"{self.p_at_1:.4f}  {self.p_at_10:.4f}  {self.map_at_1000:.4f}"


@dataclass(frozen=True)
class Cost:
    """Milliseconds a query, and how many times those of plain search at the same moment."""

    single_ms: float
    single_ratio: float
    batch_ms: float
    batch_ratio: float

    def __str__(self) -> str:
        return (
            f"{self.single_ms:8.1f} ({self.single_ratio:5.2f})"
            f"  {self.batch_ms:8.2f} ({self.batch_ratio:5.2f})"
        )


def main() -> None:
    """Measure every way, print a table."""
    arguments = _arguments()
    engine = open_engine(arguments.engine)
    split = engine_split(engine, arguments.data_home)
    index = ExactIndex(split.gallery, "cosine")
    spectral, once = _prepare(engine, index)
    ways = _ways(index, spectral)
    chosen = {n: w for n, w in ways.items() if n == "plain" or n in (arguments.only or ways)}
    rows: dict[str, tuple[Quality, Cost]] = {}
    print(f"{len(split.asked):,} queries, {len(split.gallery):,} pictures", file=sys.stderr)
    say = (lambda text: None) if arguments.json else (lambda text: print(text, flush=True))
    say(f"{'way':<32} P@1     P@10    mAP@1000  ms alone (ratio)  ms in a batch (ratio)")
    for name, way in chosen.items():
        rows[name] = (quality(way, split), _cost(way, ways["plain"], split.asked))
        say(f"{name:<32} {rows[name][0]}  {rows[name][1]}")
    if not arguments.only:
        for name, row in _several(index, split):
            rows[name] = row
            say(f"{name:<32} {row[0]}  {row[1]}")
    if arguments.json:
        found = {name: asdict(q) | asdict(c) for name, (q, c) in rows.items()}
        print(json.dumps({"once_s": once, "rows": found}))
    else:
        print("once, seconds: " + ", ".join(f"{name} {value:.1f}" for name, value in once.items()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", type=Path, required=True, help="its directory; only read")
    parser.add_argument("--data-home", type=Path, help="where data sets are kept")
    parser.add_argument("--only", action="append", metavar="NAME", help="of these ways alone")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def engine_split(engine: Engine, home: Path | None) -> Split:
    """Return an engine's gallery, and the pictures it keeps as queries, embedded."""
    collection = open_source(engine.manifest.source, home=home)
    test = [n for n, picture in enumerate(collection.pictures) if picture.split == "test"]
    pixels = [np.asarray(collection.read(n)) for n in test]
    labels = [collection.pictures[n].label for n in test]
    gallery = engine.gallery
    return Split(
        gallery.embeddings, np.array(gallery.labels), engine.embed(pixels), np.array(labels)
    )


def quality(way: Way, split: Split) -> Quality:
    """Measure a way by labels."""
    found = way(split.asked, DEPTH)
    relevant = split.known[found.positions] == split.wanted[:, None]
    totals = np.array([(split.known == label).sum() for label in split.wanted])
    return Quality(
        len(split.wanted),
        float(precision_at(relevant, 1).mean()),
        float(precision_at(relevant, 10).mean()),
        float(average_precision_at(relevant, totals, DEPTH).mean()),
    )


def _prepare(engine: Engine, index: ExactIndex) -> tuple[SpectralIndex, dict[str, float]]:
    """Return the spectral index, and the seconds of all that is done once and then kept."""
    with tempfile.TemporaryDirectory() as place:
        _, making = _timed(lambda: kept_spectral(Path(place), index))
        spectral, reading = _timed(lambda: kept_spectral(Path(place), index))
    once = {"spectral, prepared": making, "spectral, read from disk": reading}
    if engine.encoder.model.parts:
        rebalanced = engine.encoder.rebalanced
        _, once["gallery of another balance"] = _timed(
            lambda: ExactIndex(rebalanced(index.embeddings, 0.2), "cosine")
        )
    return spectral, once


def _ways(index: ExactIndex, spectral: SpectralIndex) -> dict[str, Way]:
    def by(**chosen: object) -> Way:
        settings = SearchSettings(**chosen)  # type: ignore[arg-type]
        return lambda asked, k: nearest(index, asked, k, settings, spectral=spectral)

    return {
        "plain": by(),
        "--expand 3": by(expand=3),
        "--expand 10": by(expand=10),
        "--expand 10 --alpha 0": by(expand=10, alpha=0.0),
        "--rerank k-reciprocal": by(rerank="k-reciprocal"),
        "--rerank diffusion": by(rerank="diffusion"),
        "--rerank spectral": by(rerank="spectral"),
        "--expand 3 --rerank spectral": by(expand=3, rerank="spectral"),
        "--expand 10 --rerank spectral": by(expand=10, rerank="spectral"),
    }


def _several(index: ExactIndex, split: Split) -> Iterator[tuple[str, tuple[Quality, Cost]]]:
    """Measure several pictures as one query: a class's queries, `EXAMPLES` at a time."""
    groups = np.concatenate(
        [
            places[: len(places) // EXAMPLES * EXAMPLES].reshape(-1, EXAMPLES)
            for label in np.unique(split.wanted)
            for places in [np.flatnonzero(split.wanted == label)]
        ]
    )
    groups = np.random.default_rng(0).permutation(groups)
    few = Split(split.gallery, split.known, groups, split.wanted[groups[:, 0]])

    def first(asked: np.ndarray, k: int) -> Neighbours:
        return index.search(split.asked[asked[:, 0]], k)

    def mean(asked: np.ndarray, k: int) -> Neighbours:
        rows = [mean_query(split.asked[places], metric="cosine") for places in asked]
        return index.search(np.concatenate(rows), k)

    def best(asked: np.ndarray, k: int) -> Neighbours:
        found = [best_match(index, split.asked[places], k) for places in asked]
        return Neighbours(
            np.concatenate([one.scores for one in found]),
            np.concatenate([one.positions for one in found]),
        )

    yield "one of three", (quality(first, few), _cost(first, first, few.asked))
    yield "three, --combine mean", (quality(mean, few), _cost(mean, first, few.asked))
    yield "three, --combine best", (quality(best, few), _cost(best, first, few.asked))


def _cost(way: Way, plain: Way, asked: np.ndarray) -> Cost:
    """Time a way and, right before each time, plain search."""
    alone = [_both(way, plain, asked[n : n + 1]) for n in range(min(SINGLES, len(asked)))]
    batch = asked[:BATCH]
    many, plain_many = _both(way, plain, batch)
    return Cost(
        1000 * statistics.median(one for one, _ in alone),
        statistics.median(one / other for one, other in alone),
        1000 * many / len(batch),
        many / plain_many,
    )


def _both(way: Way, plain: Way, asked: np.ndarray) -> tuple[float, float]:
    _, before = _timed(lambda: plain(asked, HITS))
    _, seconds = _timed(lambda: way(asked, HITS))
    return seconds, before


def _timed(call: Callable[[], object]) -> tuple[object, float]:
    started = time.perf_counter()
    result = call()
    return result, time.perf_counter() - started


if __name__ == "__main__":
    main()
