"""How long the map of a whole gallery takes, how large it is, and how true.

    python -m benchmarks.whole_map --engine fashion-mnist.lookalike

Lays the gallery out anew, makes the pages of small pictures, places pictures as a sync would, and
compares with the settings that `lookalike map` draws its map with (`--no-baseline` leaves that
out). True is how many of a picture's ten nearest by embedding are among its ten nearest on the map,
over 2,000 pictures drawn with seed 0. The map that the engine keeps is left alone.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

import lookalike
from lookalike import Engine
from lookalike.engine.gallery_map import fitting_map
from lookalike.gallery import ExactIndex
from lookalike.pictures import place_among, tsne

ASKED, NEAR = 2_000, 10
Result = TypeVar("Result")


def timed(call: Callable[[], Result]) -> tuple[Result, float]:
    """Return what a call returns, and its seconds."""
    began = time.perf_counter()
    return call(), time.perf_counter() - began


def beside(engine: Path, place: Path) -> Path:
    """Return an engine in `place` that has the parts of another, but for its map."""
    for part in engine.resolve().iterdir():
        if part.name != "map" and not part.name.startswith("lock"):
            (place / part.name).symlink_to(part)
    return place


def kept(engine: Engine, places: NDArray[np.float32]) -> float:
    """Return the share of the nearest by embedding that are so on the map."""
    count = len(engine.gallery)
    some = np.sort(np.random.default_rng(0).choice(count, min(ASKED, count), replace=False))
    rows = engine.gallery.embeddings
    near = engine.index("cosine").search(rows[some], NEAR, exclude=some).positions
    on_map = ExactIndex(places, "euclidean").search(places[some], NEAR, exclude=some).positions
    return float(np.mean([len(set(a) & set(b)) / NEAR for a, b in zip(near, on_map, strict=True)]))


def place_as_new(engine: Engine, places: NDArray[np.float32]) -> None:
    """Place 500 pictures as if they were new, and print what that takes and how far they are."""
    new = np.sort(np.random.default_rng(1).choice(len(places), 500, replace=False))
    known = np.setdiff1d(np.arange(len(places)), new)

    def place() -> NDArray[np.float32]:
        near = engine.index("cosine").search(engine.gallery.rows(new), 12, allowed=known).positions
        return place_among(places[near], engine.gallery.ids[new])

    found, seconds = timed(place)
    moved = float(np.median(np.linalg.norm(found - places[new], axis=1)))
    print(f"{len(new)} placed as if they were new in {seconds:.1f} s, {moved:.3f} of the side off")


def measure(engine: Engine, *, baseline: bool) -> None:
    """Measure, and print."""
    _ = engine.gallery.embeddings
    found, seconds = timed(lambda: engine.gallery_map(anew=True))
    places = np.empty((len(found), 2), np.float32)
    places[found.rows] = found.places
    print(f"{len(found):,} pictures laid out in {seconds:.1f} s, true {kept(engine, places):.3f}")
    _, making = timed(engine.map_pages(found).make)
    sizes = [file.stat().st_size for file in engine.layout.map.glob("page-*")]
    print(f"{len(sizes)} pages in {making:.1f} s, {sum(sizes) / 1e6:.1f} MB")
    size = (engine.layout.map / "places.safetensors").stat().st_size
    print(f"points {16 * len(found) / 1e6:.2f} MB, the file of places {size / 1e6:.2f} MB")
    _, again = timed(lambda: fitting_map(engine))
    print(f"read again in {again * 1000:.0f} ms")
    place_as_new(engine, places)
    if baseline:
        drawn, base = timed(lambda: tsne(engine.gallery.embeddings))
        print(f"as `lookalike map` lays out {base:.1f} s, true {kept(engine, drawn):.3f}")
        print(f"the whole map takes {seconds / base:.2f} of that")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", type=Path, required=True)
    parser.add_argument("--no-baseline", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        engine = lookalike.open(beside(given.engine, Path(scratch)), device="cpu")
        measure(engine, baseline=not given.no_baseline)


if __name__ == "__main__":
    main()
