"""Decoding in guarded processes, as the intake does, against threads of one process.

The ways take turns in one process; all give the same pixels. "Cold" starts the processes, "warm"
takes those over that another decoding has let go of. Small files are 28×28 PNGs of some 500 bytes,
photos made-up ones of 512×512; "one" is a folder of a single picture.

Run: python -m benchmarks.guarded [--small 10000] [--photos 400] [--workers 2] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks._photos import write_photos
from lookalike.images import Collection, ImageSpec, find_pictures, guarded, load_dataset
from lookalike.images.decoding import Block, decode_in_order, decode_unguarded

Way = Callable[[Collection, ImageSpec, int], Iterator[Block]]


def write_digits(folder: Path, count: int) -> None:
    folder.mkdir()
    clothes = load_dataset("fashion-mnist-10k", folder)
    for number in range(count):
        pixels = np.asarray(clothes.read(number % len(clothes)))
        Image.fromarray(pixels).save(folder / f"{number:06}.png")


def seconds_of(way: Way, found: Collection, spec: ImageSpec, workers: int) -> float:
    start = time.perf_counter()
    total = sum(len(block.positions) for block in way(found, spec, workers))
    assert total == len(found)
    return time.perf_counter() - start


def compare(found: Collection, spec: ImageSpec, workers: int, rounds: int) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {"threads": [], "cold": [], "warm": []}
    for _ in range(rounds):
        seconds["threads"].append(seconds_of(decode_unguarded, found, spec, workers))
        guarded._SPARE.end()
        seconds["cold"].append(seconds_of(decode_in_order, found, spec, workers))
        seconds["warm"].append(seconds_of(decode_in_order, found, spec, workers))
    median = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "pictures": len(found),
        **{f"{name}_seconds": round(value, 3) for name, value in median.items()},
        "cold_over_threads": round(median["cold"] / median["threads"], 2),
        "warm_over_threads": round(median["warm"] / median["threads"], 2),
    }


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    write_digits(folder / "small", arguments.small)
    (folder / "photos").mkdir()
    write_photos(folder / "photos", arguments.photos)
    (folder / "one").mkdir()
    Image.new("RGB", (28, 28)).save(folder / "one" / "one.png")
    workers, rounds = arguments.workers, arguments.rounds
    small, photo = ImageSpec(28, 28, 1), ImageSpec(128, 128, 3)
    return {
        "workers": workers,
        "small": compare(find_pictures(folder / "small"), small, workers, rounds),
        "photos": compare(find_pictures(folder / "photos"), photo, workers, rounds),
        "one": compare(find_pictures(folder / "one"), small, workers, rounds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(arguments, Path(folder))
    if arguments.json:
        print(json.dumps(result))
        return
    for name in ("small", "photos", "one"):
        one = result[name]
        print(
            f"{name:7} {one['pictures']:>6,} pictures: threads {one['threads_seconds']:.3f} s; "
            f"guarded {one['cold_seconds']:.3f} s ({one['cold_over_threads']} times), with workers "
            f"that run {one['warm_seconds']:.3f} s ({one['warm_over_threads']} times)"
        )


if __name__ == "__main__":
    main()
