"""What a sync costs beside the first index: `python -m benchmarks.sync [--pictures 100000]`.

Pictures of Fashion-MNIST (its training split, then the same mirrored) are written as PNG files, an
engine is trained briefly on a thousand of them, and all are indexed. In the same run follow: five
syncs of nothing new, one of 1,000 moved files, one of 100 new files, and 100 files indexed into an
engine of their own. Every step is a process of its own, as a person starts it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from lookalike.engine import data_home
from lookalike.images import load_dataset

FOLDERS = 100
MOVED = 1_000
ADDED = 100
TRAINED = 1_000
SYNCS = 5


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--data-home", type=Path)
    parser.add_argument("--work", type=Path, help="kept; by default a folder that is removed")
    arguments = parser.parse_args()
    work = arguments.work or Path(tempfile.mkdtemp())
    try:
        _measure(work, arguments.pictures, arguments.data_home or data_home())
    finally:
        if arguments.work is None:
            shutil.rmtree(work)


def _measure(work: Path, pictures: int, home: Path) -> None:
    folder, few, engine = work / "many", work / "few", work / "many.lookalike"
    draw = _Drawn(home)
    for number in range(pictures):
        draw(number, folder / f"{number % FOLDERS:03}" / f"{number:06}.png")
    for number in range(TRAINED):
        draw(number, few / f"{number:06}.png")
    _run("train", few, "-o", engine, "--epochs", "1")
    shutil.copytree(engine, work / "small.lookalike", dirs_exist_ok=True)
    first = _run("index", engine, folder)
    again = sorted(_run("sync", engine) for _ in range(SYNCS))
    print(f"first index of {pictures:,} pictures: {first:.1f} s")
    middle = again[SYNCS // 2]
    print(f"sync of {pictures:,} unchanged: {middle:.2f} s, 1/{first / middle:,.0f} of that")
    print(f"({SYNCS} times, {again[0]:.2f} to {again[-1]:.2f} s)")
    for number in range(MOVED):
        name = f"{number % FOLDERS:03}/{number:06}.png"
        (folder / "moved" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).rename(folder / "moved" / name)
    print(f"sync of {MOVED:,} moved: {_run('sync', engine):.2f} s")
    hundred = work / "hundred"
    for number in range(ADDED):
        draw(number, hundred / f"{number}.png", shade=40)
        draw(number, folder / "new" / f"{number}.png", shade=40)
    added = _run("sync", engine)
    alone = _run("index", work / "small.lookalike", hundred)
    print(f"sync of {ADDED} new: {added:.2f} s; as many into an empty engine: {alone:.2f} s")
    print(f"adding to many costs {added / alone:.2f} times that")


class _Drawn:
    def __init__(self, home: Path) -> None:
        collection = load_dataset("fashion-mnist", home)
        self.array = next(array for array in collection.arrays.values() if len(array) == 60_000)

    def __call__(self, number: int, place: Path, *, shade: int = 0) -> None:
        """Write picture `number`; beyond the 60,000 come the same mirrored."""
        pixels = self.array[number % len(self.array)]
        pixels = pixels[:, ::-1] if (number // len(self.array)) % 2 else pixels
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels // 2 + shade if shade else pixels).save(place)


def _run(*words: str | Path) -> float:
    started = time.perf_counter()
    command = [sys.executable, "-m", "lookalike.cli", *map(str, words), "-q"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    print(f"    {done.stdout.splitlines()[0]}", flush=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
