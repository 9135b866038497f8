"""Do an engine's scores mean what they say? On copies and foreign pictures it never learnt from.

    python -m benchmarks.scores --engine ENGINE --foreign FOLDER_OR_DATA_SET [--data-home DIR]

The engine's calibration was fitted on edited copies drawn with its own seed. Here other pictures
of its gallery (as far as there are others) are edited with another seed, and 200 pictures of
another collection are searched for. Printed are the expected calibration error of the copy
probability over the first ten hits, half of the queries having their original in the gallery, and
how many queries of each sort get "nothing like it here".
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.engine import Engine, open_engine, open_source
from lookalike.engine.card import edited_reader
from lookalike.evaluation import (
    EDITS,
    STRENGTHS,
    expected_calibration_error,
    sample_positions,
)
from lookalike.images import decode
from lookalike.search import EVIDENCE_DEPTH, evidence

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
        pixels = [decode(collection.read(int(one)), engine.image).pixels for one in chosen]
        known = _known(engine, engine.encoder.embed(np.stack(pixels)))
        print(f"{source}: {np.mean(~known):.1%} of {len(chosen)} foreign queries get nothing")


def _copies(engine: Engine, home: Path | None, seed: int) -> None:
    index = engine.index(engine.manifest.metric)  # type: ignore[arg-type]
    places = _unseen(engine, seed)
    read = edited_reader(engine, open_source(engine.manifest.source, home=home))
    originals = [read(int(place)) for place in places]
    same = np.unique(engine.gallery.sha256, return_inverse=True)[1]
    promised, kept = [], []
    for strength in STRENGTHS:
        lost = []
        for number, (name, edit) in enumerate(EDITS.items()):
            pixels = [
                decode(edit(one, strength, np.random.default_rng([seed, number, place])),
                       engine.image).pixels
                for one, place in zip(originals, places.tolist(), strict=True)
            ]  # fmt: skip
            rows = engine.encoder.embed(np.stack(pixels))
            found = index.search(rows, EVIDENCE_DEPTH + 1)
            right = same[found.positions] == same[places][:, None]
            # Every second query is asked of a gallery without its original.
            scores = np.where(right & (np.arange(len(places)) % 2 == 1)[:, None], -np.inf,
                              found.scores)  # fmt: skip
            order = np.argsort(-scores, axis=1, kind="stable")[:, :SHOWN]
            shown = np.take_along_axis(scores, order, axis=1)
            there = np.isfinite(shown)
            promised.append(engine.calibration.probability(shown[there]))  # type: ignore[union-attr]
            kept.append(np.take_along_axis(right, order, axis=1)[there])
            lost.append(np.mean(~_known(engine, rows)))
            print(f"{name} {strength}: {lost[-1]:.1%} get nothing")
        print(f"all {strength} copies: {np.mean(lost):.1%} get nothing")
    error = expected_calibration_error(np.concatenate(promised), np.concatenate(kept))
    print(f"expected calibration error: {error:.4f} over {sum(map(len, kept)):,} hits")


def _unseen(engine: Engine, seed: int) -> NDArray[np.int64]:
    """Return places of pictures the calibration did not see, or any where it saw them all."""
    seen = sample_positions(len(engine), 1000, engine.manifest.seed)
    others = np.setdiff1d(np.arange(len(engine)), seen)
    pool = others if len(others) >= PICTURES else np.arange(len(engine))
    return np.sort(np.random.default_rng(seed).permutation(pool)[:PICTURES])


def _known(engine: Engine, rows: NDArray[np.float32]) -> NDArray[np.bool_]:
    index = engine.index(engine.manifest.metric)  # type: ignore[arg-type]
    near = index.search(rows, EVIDENCE_DEPTH)
    found = evidence(index.embeddings, rows, near, engine.encoder.widths)
    return engine.calibration.familiarity.knows(found)  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
