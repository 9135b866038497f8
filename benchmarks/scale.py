"""A million embeddings × 128: memory, time and recall of each way to search, in one run.

python -m benchmarks.scale --work DIR [--rows 1000000] [--embeddings FILE.npy] [--json]

The rows are real embeddings, jittered: pixels of Fashion-MNIST brought to 128 numbers by PCA, or
the file's, likewise. Noise with the spread of the real ones in every direction is added, and all
are brought to length 1. How much of a row's neighbours come from the same real one is printed: the
task is not to find clones. The queries are made in the same way and are not in the gallery.

Gallery and index are written by the code that writes those of an engine. Every contender is a
process of its own, one query at a time, after a few that do not count. What is in DIR is used
again.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lookalike.gallery import (
    ExactIndex,
    GalleryRows,
    GraphIndex,
    StreamedIndex,
    build_index,
    open_gallery,
    write_gallery,
)

WIDTH, SEED, K = 128, 0, 10
# Length of the noise beside the rows' length of 1.
NOISE = 0.75
QUERIES, WARM = 300, 20
BLOCK = 50_000
CONTENDERS = {
    "exact": "exact, in memory",
    "faiss": "faiss IndexFlatIP",
    "indexed": "index (IVF_HNSW_SQ)",
    "streamed": "exact, from the disk",
    "plain": "Lance, plain scan",
}
# So slow that fewer queries do.
FEWER = {"streamed": 40, "plain": 40}

Search = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    """Make what is not there, then measure each contender and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="kept; some 2 GB for a million")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--embeddings", type=Path, help="real ones, float32 (N, 128 or more)")
    parser.add_argument("--data-home", type=Path)
    parser.add_argument("--store", default="float32", help="float32 or float16")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(_step(arguments)))
        return
    work = arguments.work / f"{arguments.rows}-{arguments.store}"
    work.mkdir(parents=True, exist_ok=True)
    results = {}
    for name in ("write", "index", *CONTENDERS):
        kept = work / f"{name}.json"
        if name in CONTENDERS or not kept.exists():
            command = [sys.executable, "-m", "benchmarks.scale", *sys.argv[1:], "--step", name]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            kept.write_text(done.stdout.splitlines()[-1])
        results[name] = json.loads(kept.read_text())
        print(f"{name}: {results[name]}", file=sys.stderr, flush=True)
    print(json.dumps(results) if arguments.json else _table(results))


def _table(results: dict[str, dict[str, float]]) -> str:
    exact = results["exact"]["p50"]
    lines = [
        "| search | p50 ms | p99 ms | p50, times exact | recall@10 | resident MB | peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, text in CONTENDERS.items():
        row = results[name]
        lines.append(
            f"| {text} | {row['p50']:.1f} | {row['p99']:.1f} | {row['p50'] / exact:.2f} "
            f"| {row['recall']:.4f} | {row['resident']:.0f} | {row['peak']:.0f} |"
        )
    return "\n".join(lines)


def _step(arguments: argparse.Namespace) -> dict[str, float]:
    work = arguments.work / f"{arguments.rows}-{arguments.store}"
    if arguments.step == "write":
        return _write(work, arguments)
    if arguments.step == "index":
        return _index(work)
    return _measure(work, arguments.step)


def _write(work: Path, arguments: argparse.Namespace) -> dict[str, float]:
    real = _real(arguments.embeddings, arguments.data_home)
    rows, owners = _jittered(real, arguments.rows, SEED)
    queries, asked = _jittered(real, QUERIES, SEED + 1)
    np.save(work / "queries.npy", queries)
    found = ExactIndex(rows, "cosine").search(queries, K)
    same = float((owners[found.positions] == asked[:, None]).mean())
    print(f"of the {K} nearest {same:.1%} come from the same real one", file=sys.stderr)
    names = [f"folder{number % 1000:03}/{number:09}.jpg" for number in range(len(rows))]
    started = time.perf_counter()
    write_gallery(
        work / "gallery",
        GalleryRows(
            paths=names,
            labels=[f"folder{number % 1000:03}" for number in range(len(rows))],
            splits=[None] * len(rows),
            widths=np.full(len(rows), 640, np.int32),
            heights=np.full(len(rows), 480, np.int32),
            sha256=[f"{number:064x}" for number in range(len(rows))],
            embeddings=rows,
        ),
        fingerprint="benchmark",
        store=arguments.store,
    )
    seconds = time.perf_counter() - started
    return {"same": same, "seconds": seconds, "megabytes": _megabytes(work / "gallery" / "data")}


def _real(file: Path | None, home: Path | None) -> np.ndarray:
    """Return real embeddings, float32 (N, 128), of length 1 around the origin."""
    if file is None:
        # Not above: the processes that are measured must hold what a search needs, and no more.
        from lookalike.engine import data_home
        from lookalike.images import load_dataset

        arrays = load_dataset("fashion-mnist", home or data_home()).arrays.values()
        pixels = next(array for array in arrays if len(array) == 60_000)
        rows = pixels.reshape(len(pixels), -1).astype(np.float32) / 255
    else:
        rows = np.load(file).astype(np.float32)
    rows = rows - rows.mean(axis=0)
    _, axes = np.linalg.eigh(rows.T @ rows)
    return _unit(rows @ axes[:, ::-1][:, :WIDTH])


def _jittered(real: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows, float32 (count, 128), and which real one each is made from."""
    random = np.random.default_rng([seed, count])
    owners = random.integers(0, len(real), count)
    spread = real.std(axis=0)
    spread = NOISE * spread / np.linalg.norm(spread)
    rows = np.empty((count, real.shape[1]), np.float32)
    for start in range(0, count, BLOCK):
        mine = real[owners[start : start + BLOCK]]
        rows[start : start + BLOCK] = _unit(mine + spread * random.normal(size=mine.shape))
    return rows, owners


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _index(work: Path) -> dict[str, float]:
    started = time.perf_counter()
    facts = build_index(work / "gallery", "cosine")
    return {
        "seconds": facts.seconds,
        "with measuring": time.perf_counter() - started,
        "recall said": facts.recall,
        "probes": facts.probes,
        "partitions": facts.partitions,
        "refine": facts.refine,
        "megabytes": _megabytes(work / "gallery" / "_indices"),
        "peak": _memory()["peak"],
    }


def _measure(work: Path, name: str) -> dict[str, float]:
    queries = np.load(work / "queries.npy")[: FEWER.get(name, QUERIES)]
    search = _contender(work, name)
    for query in queries[:WARM]:
        search(query)
    times, found = [], []
    for query in queries:
        start = time.perf_counter()
        found.append(search(query))
        times.append(time.perf_counter() - start)
    memory = _memory()
    if name == "exact":
        np.save(work / "truth.npy", np.stack(found))
    truth = np.load(work / "truth.npy")
    shared = sum(len(set(a) & set(b)) for a, b in zip(found, truth, strict=False))
    return {
        "p50": statistics.median(times) * 1000,
        "p99": float(np.percentile(times, 99)) * 1000,
        "recall": shared / (K * len(found)),
        **memory,
    }


def _contender(work: Path, name: str) -> Search:
    if name == "faiss":
        import faiss

        flat = faiss.IndexFlatIP(WIDTH)
        for _, rows in open_gallery(work / "gallery").blocks():
            flat.add(rows)
        return lambda query: flat.search(query[None], K)[1][0]
    if name == "plain":
        import lance

        dataset = lance.dataset(str(work / "gallery"))

        def scan(query: np.ndarray) -> np.ndarray:
            wanted = {"column": "embedding", "q": query, "k": K, "metric": "cosine"}
            scanner = dataset.scanner(
                columns=["id"],
                nearest={**wanted, "use_index": False},
                disable_scoring_autoprojection=True,
            )
            return scanner.to_table()["id"].to_numpy()

        return scan
    gallery = open_gallery(work / "gallery")
    if name == "exact":
        index = ExactIndex(gallery.embeddings, "cosine")
    else:
        index = (GraphIndex if name == "indexed" else StreamedIndex)(gallery, "cosine")

    def ours(query: np.ndarray) -> np.ndarray:
        places = index.search(query[None], K).positions[0]
        gallery.paths_at(places)  # a person wants to see what was found
        return places

    return ours


def _memory() -> dict[str, float]:
    """Return what this process holds now, and has held at most, in MB of 10**6 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    status = Path("/proc/self/status")
    if not status.exists():  # elsewhere than on Linux only the peak is known
        return {"resident": peak, "peak": peak}
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return {
        "resident": int(lines["VmRSS"].split()[0]) * 1024 / 1e6,
        "peak": int(lines["VmHWM"].split()[0]) * 1024 / 1e6,
    }


def _megabytes(directory: Path) -> float:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
