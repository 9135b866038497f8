"""Does drift tell when retraining helps? `python -m benchmarks.drift --work DIR`.

An engine is built from 1,000 pictures of half of the classes of Fashion-MNIST's test split. Then
500 pictures come: of the same classes, of the other classes, half and half, or stamps, in grey,
from another world. For each: what sync says of drift, and the precision of the ten nearest of the
new pictures among all (each without itself, labels used only here), before, after `retrain`, and by
a build from scratch, all with 9 epochs but for `retrain`, which takes a third of that. Seed 0 picks
the pictures; --seed is that of the training.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import lookalike
from lookalike.engine import data_home, retrain_engine, sync_engine
from lookalike.images import Collection, decode, load_dataset
from lookalike.images.spec import ImageSpec

BEGUN = 1_000
ADDED = 500
EPOCHS = 9
KNOWN_CLASSES = ("Ankle boot", "Bag", "Coat", "Dress", "Pullover")
STAMP = ImageSpec(height=28, width=28, channels=1)


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data-home", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    home = arguments.data_home or data_home()
    print("| come | unfamiliar | rebuilt worse | advice | P@10 before | retrained | scratch |")
    print("|---|---|---|---|---|---|---|")
    for name, pictures in _scenarios(home):
        _measure(arguments.work / name, name, pictures, arguments.seed)


Pictures = list[tuple[str, NDArray[np.uint8]]]


def _scenarios(home: Path) -> Iterator[tuple[str, tuple[Pictures, Pictures]]]:
    collection = load_dataset("fashion-mnist", home)
    known, other = _halves(collection)
    begun, rest = known[:BEGUN], known[BEGUN:]
    half = ADDED // 2
    yield "same classes", (begun, rest[:ADDED])
    yield "other classes", (begun, other[:ADDED])
    yield "half and half", (begun, rest[:half] + other[:half])
    yield "stamps", (begun, _stamps(home))


def _halves(collection: Collection) -> tuple[Pictures, Pictures]:
    pixels = next(array for array in collection.arrays.values() if len(array) == 10_000)
    labels = [picture.label for picture in collection.pictures if picture.split == "test"]
    known: Pictures = []
    other: Pictures = []
    for place in np.random.default_rng(0).permutation(len(pixels)):
        label = str(labels[place])
        (known if label in KNOWN_CLASSES else other).append((label, pixels[place]))
    return known, other


def _stamps(home: Path) -> Pictures:
    collection = load_dataset("stamps", home)
    found = [
        (str(picture.label), decode(collection.read(place), STAMP).pixels[..., 0])
        for place, picture in enumerate(collection.pictures)
    ]
    return found[:ADDED]


def _measure(work: Path, name: str, pictures: tuple[Pictures, Pictures], seed: int) -> None:
    shutil.rmtree(work, ignore_errors=True)
    folder, engine = work / "pictures", work / "e.lookalike"
    _write(folder, "old", pictures[0])
    lookalike.build(folder, engine, seed=seed, epochs=EPOCHS, report=False)
    _write(folder, "new", pictures[1])
    drift = sync_engine(engine).drift
    assert drift is not None
    before = _precision(engine)
    started = time.perf_counter()
    retrain_engine(engine, report=False)
    retrained, began = _precision(engine), time.perf_counter()
    lookalike.build(folder, work / "scratch.lookalike", seed=seed, epochs=EPOCHS, report=False)
    scratch, ended = _precision(work / "scratch.lookalike"), time.perf_counter()
    worse = "-" if drift.rebuilt_worse is None else f"{drift.rebuilt_worse:.2f}"
    print(
        f"| {name} | {drift.unfamiliar:.2f} | {worse} | {'yes' if drift.has_drifted else 'no'} | "
        f"{before:.3f} | {retrained:.3f} ({began - started:.0f} s) | "
        f"{scratch:.3f} ({ended - began:.0f} s) |",
        flush=True,
    )


def _write(folder: Path, age: str, pictures: Pictures) -> None:
    for number, (label, pixels) in enumerate(pictures):
        place = folder / f"{age}-{label}" / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place)


def _precision(engine: Path) -> float:
    """Return the mean P@10 of the new pictures; the class is in the folder's name."""
    opened = lookalike.open(engine)
    new = [path for path in opened.gallery.paths if path.startswith("new-")]

    def kind(path: str) -> str:
        return path.partition("/")[0].partition("-")[2]

    found = opened.search_many(new, 10)
    right = [kind(hit.path) == kind(path) for path, hits in zip(new, found, strict=True)
             for hit in hits]  # fmt: skip
    return float(np.mean(right))


if __name__ == "__main__":
    main()
