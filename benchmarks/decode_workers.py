"""Decoding on threads against a pool of processes and against one thread.

What `decode_collection` does, with processes that may crash, `benchmarks.guarded` measures.

Processes are started by spawn and send decoded pictures back; "warm" leaves their start out. The
ways take turns in one process.

Run: python -m benchmarks.decode_workers [--pictures 1000] [--workers 2] [--json]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks._photos import write_photos
from lookalike.images import Collection, ImageSpec, decode, find_pictures
from lookalike.images.decoding import decode_unguarded

SPEC = ImageSpec(128, 128, 3)


def decode_file(path: Path) -> bytes:
    return decode(path, SPEC).pixels.tobytes()


def on_threads(found: Collection, workers: int) -> float:
    start = time.perf_counter()
    for _ in decode_unguarded(found, SPEC, workers):
        pass
    return time.perf_counter() - start


def on_processes(paths: list[Path], workers: int) -> tuple[float, float]:
    """Return the seconds with and without the start of the processes."""
    start = time.perf_counter()
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(decode_file, paths[: 8 * workers]))
        warm = time.perf_counter()
        list(pool.map(decode_file, paths, chunksize=32))
        end = time.perf_counter()
    return end - start, end - warm


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    write_photos(folder, arguments.pictures)
    found = find_pictures(folder)
    paths = [folder / picture.path for picture in found.pictures]
    seconds: dict[str, list[float]] = {
        name: [] for name in ("one", "threads", "processes", "processes_warm")
    }
    for _ in range(arguments.rounds):
        seconds["one"].append(on_threads(found, 1))
        seconds["threads"].append(on_threads(found, arguments.workers))
        whole, warm = on_processes(paths, arguments.workers)
        seconds["processes"].append(whole)
        seconds["processes_warm"].append(warm)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "pictures": arguments.pictures,
        "workers": arguments.workers,
        "images_per_second": {
            name: round(arguments.pictures / value) for name, value in median.items()
        },
        "threads_over_one": round(median["one"] / median["threads"], 2),
        "threads_over_processes": round(median["processes"] / median["threads"], 2),
        "threads_over_warm_processes": round(median["processes_warm"] / median["threads"], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(arguments, Path(folder))
    if arguments.json:
        print(json.dumps(result))
        return
    for name, value in result["images_per_second"].items():
        print(f"{name.replace('_', ' '):16} {value:>6,} images/s")
    for name in ("one", "processes", "warm_processes"):
        print(f"threads over {name.replace('_', ' ')}: {result[f'threads_over_{name}']}")


if __name__ == "__main__":
    main()
