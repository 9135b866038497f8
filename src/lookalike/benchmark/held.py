"""One step of `growth` in a process of its own: a made-up gallery, searched in one way.

`python -m lookalike.benchmark.held make|exact|index FOLDER COUNT SEED`; JSON on standard output.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WIDTH, K = 128, 10
QUERIES, WARM = 100, 10
KINDS = 2_000
BLOCK = 50_000


def main() -> None:
    """Run the step that is named."""
    step, folder, count, seed = sys.argv[1:]
    place = Path(folder)
    found = make(place, int(count), int(seed)) if step == "make" else search(place, step)
    sys.stdout.write(json.dumps(found) + "\n")


def make(folder: Path, count: int, seed: int) -> dict[str, float]:
    """Write a gallery of `count` embeddings and queries for it; build the index where it pays."""
    import numpy as np

    from lookalike.gallery import FEWEST, GalleryRows, build_index, write_gallery

    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    kinds = random.normal(size=(KINDS, WIDTH)).astype(np.float32)
    rows = np.concatenate(
        [_drawn(random, kinds, min(BLOCK, count - at)) for at in range(0, count, BLOCK)]
    )
    np.save(folder / "queries.npy", _drawn(random, kinds, QUERIES))
    gallery = GalleryRows(
        paths=[f"{number // 1000:04}/{number:09}.jpg" for number in range(count)],
        labels=[None] * count,
        splits=[None] * count,
        widths=np.full(count, 640, np.int32),
        heights=np.full(count, 480, np.int32),
        sha256=[f"{number:064x}" for number in range(count)],
        embeddings=rows,
    )
    write_gallery(folder / "gallery", gallery, fingerprint="benchmark")
    if count < FEWEST:
        return {}
    started = time.perf_counter()
    build_index(folder / "gallery", "cosine")
    return {"index s": time.perf_counter() - started}


def search(folder: Path, way: str) -> dict[str, float]:
    """Search one query after the other; the median time and the memory held then."""
    import numpy as np

    from lookalike.gallery import FEWEST, ExactIndex, GraphIndex, open_gallery

    gallery = open_gallery(folder / "gallery")
    if way == "index" and len(gallery) < FEWEST:
        return {}
    index = (
        ExactIndex(gallery.embeddings, "cosine")
        if way == "exact"
        else GraphIndex(gallery, "cosine")
    )
    seconds = []
    for query in np.load(folder / "queries.npy"):
        started = time.perf_counter()
        gallery.paths_at(index.search(query[None], K).positions[0])
        seconds.append(time.perf_counter() - started)
    return {
        f"{way} p50 ms": statistics.median(seconds[WARM:]) * 1000,
        f"{way} resident MB": _resident(),
    }


def _drawn(
    random: np.random.Generator, kinds: NDArray[np.float32], count: int
) -> NDArray[np.float32]:
    """Return embeddings of length 1 around some kinds, as collections have them."""
    import numpy as np

    noise = random.normal(size=(count, WIDTH)).astype(np.float32)
    rows = kinds[random.integers(len(kinds), size=count)] + noise
    scaled: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def _resident() -> float:
    """Return what this process holds, in MB of 10**6; its peak where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    held = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(held.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
