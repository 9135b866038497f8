"""Do an engine's scores mean what they say? On copies and foreign pictures it never learnt from.

    python -m benchmarks.scores --engine ENGINE --foreign FOLDER_OR_DATA_SET [--data-home DIR]

The engine's calibration was fitted on edited copies drawn with its own seed. Here other pictures
of its gallery (as far as there are others) are edited with another seed, and 200 pictures of
another collection are searched for. Printed are how honest the copy probability is, of the best
hit and of the nine after it, each query asked once of a gallery with its original and once of one
without, and how many queries of each sort get "nothing like it here".
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.engine import Engine, open_engine, open_source
from lookalike.engine.card import edited_reader, same_pictures
from lookalike.engine.judging import judge_all
from lookalike.engine.queries import Query
from lookalike.evaluation import (
    EDITS,
    STRENGTHS,
    expected_calibration_error,
    sample_positions,
)
from lookalike.images import decode
from lookalike.search import EVIDENCE_DEPTH, Calibration
from lookalike.types import Hits, check_metric

PICTURES = 200
SHOWN = 10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", type=Path, required=True)
    parser.add_argument("--foreign", action="append", default=[], metavar="SOURCE")
    parser.add_argument("--data-home", type=Path)
    parser.add_argument("--seed", type=int, default=1_000_003)
    arguments = parser.parse_args()
    engine = open_engine(arguments.engine)
    if engine.calibration is None:
        raise SystemExit("the engine has no calibration: run `lookalike report` on it")
    _copies(engine, arguments.data_home, arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    for source in arguments.foreign:
        collection = open_source(source, home=arguments.data_home)
        chosen = rng.permutation(len(collection))[:PICTURES]
        pixels = _decoded([collection.read(int(one)) for one in chosen], engine)
        known = _known(engine, pixels, engine.encoder.embed(pixels))
        print(f"{source}: {np.mean(~known):.1%} of {len(chosen)} foreign queries get nothing")


def _copies(engine: Engine, home: Path | None, seed: int) -> None:
    index = engine.index(engine.manifest.metric)  # type: ignore[arg-type]
    places = _unseen(engine, seed)
    read = edited_reader(engine, open_source(engine.manifest.source, home=home))
    originals = [read(int(place)) for place in places]
    same = same_pictures(engine, places)
    hits = _Hits(engine.calibration)  # type: ignore[arg-type]
    for strength in STRENGTHS:
        lost = []
        for number, (name, edit) in enumerate(EDITS.items()):
            copies = [
                edit(one, strength, np.random.default_rng([seed, number, place]))
                for one, place in zip(originals, places.tolist(), strict=True)
            ]
            pixels = _decoded(copies, engine)
            rows = engine.encoder.embed(pixels)
            found = index.search(rows, EVIDENCE_DEPTH + 1)
            right = (same[found.positions] == same[places][:, None]) & (found.positions >= 0)
            hits.add(found.scores, right)
            # The same queries where their originals are not in the gallery.
            order = np.argsort(right, axis=1, kind="stable")
            without = np.take_along_axis(np.where(right, -np.inf, found.scores), order, axis=1)
            hits.add(without, np.zeros(without.shape, bool))
            lost.append(np.mean(~_known(engine, pixels, rows)))
            print(f"{name} {strength}: {lost[-1]:.1%} get nothing")
        print(f"all {strength} copies: {np.mean(lost):.1%} get nothing")
    hits.print()


class _Hits:
    """What is promised of hits, and whether they are copies: the best of each query, the others."""

    def __init__(self, calibration: Calibration) -> None:
        self.calibration = calibration
        self.promised: dict[str, list[float]] = {"best": [], "second to tenth": []}
        self.right: dict[str, list[bool]] = {"best": [], "second to tenth": []}

    def add(self, scores: NDArray[np.float64], right: NDArray[np.bool_]) -> None:
        for row, is_right in zip(scores[:, :SHOWN], right[:, :SHOWN], strict=True):
            there = np.isfinite(row)
            if not there.any():
                continue
            promised = self.calibration.probability(row[there], float(row[0]))
            for name, part in (("best", slice(0, 1)), ("second to tenth", slice(1, None))):
                self.promised[name] += promised[part].tolist()
                self.right[name] += is_right[there][part].tolist()

    def print(self) -> None:
        for name, promised in self.promised.items():
            said, right = np.array(promised), np.array(self.right[name])
            share, error = right.mean(), expected_calibration_error(said, right)
            print(
                f"{name} hits: expected calibration error {error:.4f}, "
                f"Brier score {np.square(said - right).mean():.4f} "
                f"({share * (1 - share):.4f} by always saying {share:.3f}), {len(said):,} hits"
            )


def _unseen(engine: Engine, seed: int) -> NDArray[np.int64]:
    """Return places of pictures the calibration did not see, or any where it saw them all."""
    seen = sample_positions(len(engine), 1000, engine.manifest.seed)
    others = np.setdiff1d(np.arange(len(engine)), seen)
    pool = others if len(others) >= PICTURES else np.arange(len(engine))
    return np.sort(np.random.default_rng(seed).permutation(pool)[:PICTURES])


def _decoded(pictures: list[Any], engine: Engine) -> NDArray[np.uint8]:
    return np.stack([decode(one, engine.image).pixels for one in pictures])


def _known(
    engine: Engine, pixels: NDArray[np.uint8], rows: NDArray[np.float32]
) -> NDArray[np.bool_]:
    queries = [Query("copy", -1, one, None) for one in pixels]
    found = [Hits("copy", (), check_metric(engine.manifest.metric))] * len(queries)
    return np.array([hits.known for hits in judge_all(engine, found, queries, rows)])


if __name__ == "__main__":
    main()
