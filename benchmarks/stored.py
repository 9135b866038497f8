"""What float16 in the gallery costs: `python -m benchmarks.stored --engine ENGINE`.

Pictures of the gallery search for the others by their stored embeddings, once as float32 and once
rounded to float16 and back. Compared are the ten found, their scores, and P@10 by labels.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from lookalike.engine import Engine, open_engine
from lookalike.gallery import ExactIndex, GalleryRows, Neighbours, open_gallery, write_gallery
from lookalike.types import check_metric

K, SEED = 10, 0


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", type=Path, required=True)
    parser.add_argument("--queries", type=int, default=2_000)
    arguments = parser.parse_args()
    engine = open_engine(arguments.engine)
    count = len(engine.gallery)
    places = np.random.default_rng(SEED).choice(count, min(arguments.queries, count), replace=False)
    metric = check_metric(engine.manifest.metric)
    found: dict[str, Neighbours] = {}
    sizes: dict[str, float] = {}
    for store in ("float32", "float16"):
        with tempfile.TemporaryDirectory() as work:
            rows = _written(engine, Path(work) / "gallery", store)
            sizes[store] = _megabytes(Path(work) / "gallery" / "data")
        found[store] = ExactIndex(rows, metric).search(rows[places], K, exclude=places)
    plain, rounded = found["float32"], found["float16"]
    shared = np.mean(
        [
            len(np.intersect1d(a, b)) / K
            for a, b in zip(plain.positions, rounded.positions, strict=True)
        ]
    )
    print(f"{len(places):,} of {count:,} pictures, {engine.gallery.width} numbers, {metric}")
    print("| stored as | MB on the disk | P@10 |\n|---|---|---|")
    labels = np.array([label or "" for label in engine.gallery.labels])
    for store, one in found.items():
        precision = (labels[one.positions] == labels[places, None]).mean()
        print(f"| {store} | {sizes[store]:.1f} | {precision:.4f} |")
    print(f"of the ten found {shared:.4%} are the same")
    print(f"largest difference of a score {np.abs(plain.scores - rounded.scores).max():.1e}")


def _written(engine: Engine, place: Path, store: str) -> np.ndarray:
    gallery = engine.gallery
    rows = GalleryRows(
        gallery.paths,
        gallery.labels,
        gallery.splits,
        gallery.widths,
        gallery.heights,
        gallery.sha256,
        gallery.embeddings,
    )
    write_gallery(place, rows, fingerprint="benchmark", store=store)
    return open_gallery(place).embeddings


def _megabytes(directory: Path) -> float:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
