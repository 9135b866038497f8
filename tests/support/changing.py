"""A gallery that changes while it is read: what each state must hold can be told from itself.

The embedding of a picture follows from its id and its revision, and both stand in its path, so a
reader can check every answer by brute force without a word from the writer.

python tests/support/changing.py write|read GALLERY SECONDS SEED
"""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery import (
    ExactIndex,
    GalleryRows,
    GalleryWriter,
    GraphIndex,
    SearchIndex,
    StreamedIndex,
    build_index,
    follow_index,
    newest_version,
    open_gallery,
    write_gallery,
)

WIDTH, FIRST, MOST, BATCH, K = 16, 1_600, 3_000, 40, 5
# States replaced so long ago are forgotten; a reader takes the newest up much sooner.
KEPT = timedelta(seconds=60)


def embedding(number: int, revision: int) -> NDArray[np.float32]:
    row = np.random.default_rng([number, revision]).normal(size=WIDTH)
    return (row / np.linalg.norm(row)).astype(np.float32)


def rows_of(numbers: list[int], revisions: list[int]) -> GalleryRows:
    count = len(numbers)
    pairs = list(zip(numbers, revisions, strict=True))
    return GalleryRows(
        paths=[f"{number}/{revision}.png" for number, revision in pairs],
        labels=["even" if revision % 2 == 0 else "odd" for revision in revisions],
        splits=[None] * count,
        widths=np.full(count, 8, np.int32),
        heights=np.full(count, 8, np.int32),
        sha256=[f"{number:032x}{revision:032x}" for number, revision in pairs],
        embeddings=np.stack([embedding(*pair) for pair in pairs]),
    )


def make(place: Path) -> None:
    """Write the first state, with its index."""
    write_gallery(place, rows_of(list(range(FIRST)), [0] * FIRST), fingerprint="f")
    build_index(place, "cosine")


def write(place: Path, seconds: float, seed: int) -> dict[str, int]:
    """Add, change and remove at random; join files and keep the index up to date now and then."""
    random, writer = np.random.default_rng(seed), GalleryWriter(place)
    there = dict.fromkeys(range(FIRST), 0)
    done = {"added": 0, "changed": 0, "removed": 0, "commits": 0, "indexed": 0}
    following, end = FIRST, time.monotonic() + seconds
    while time.monotonic() < end:
        kind = random.choice(["added", "changed", "removed"])
        kind = "removed" if len(there) > MOST else "added" if len(there) < FIRST else kind
        some = [int(one) for one in random.choice(sorted(there), BATCH, replace=False)]
        if kind == "removed":
            writer.remove(np.array(some))
            for number in some:
                del there[number]
        else:
            if kind == "added":
                some = list(range(following, following + BATCH))
                following += BATCH
            there |= {number: there.get(number, -1) + 1 for number in some}
            writer.put(rows_of(some, [there[number] for number in some]), np.array(some))
        done[str(kind)] += BATCH
        done["commits"] += 1
        if done["commits"] % 10 == 0:
            writer.compact(KEPT)
            before = newest_version(place)
            follow_index(place)
            done["indexed"] += newest_version(place) > before
            writer = GalleryWriter(place)
    return done


def read(place: Path, seconds: float, seed: int) -> dict[str, int]:
    """Search every way in one state after the other, and check every answer."""
    random, end = np.random.default_rng(seed), time.monotonic() + seconds
    done = {"searches": 0, "states": 0, "wrong": 0, "missed": 0, "places": 0}
    last = 0
    while time.monotonic() < end:
        gallery = open_gallery(place)
        done["states"] += gallery.version != last
        last = gallery.version
        pairs = [tuple(map(int, path[:-4].split("/"))) for path in gallery.paths]
        assert [number for number, _ in pairs] == gallery.ids.tolist()
        truth = np.stack([embedding(*pair) for pair in pairs])
        ways: list[SearchIndex] = [StreamedIndex(gallery, "cosine")]
        if gallery.index_facts is not None:
            ways.append(GraphIndex(gallery, "cosine"))
        if seed % 2:
            ways.append(ExactIndex(gallery.embeddings, "cosine"))
        allowed = gallery.positions("label = 'odd'")
        assert allowed.tolist() == [at for at, pair in enumerate(pairs) if pair[1] % 2]
        for _ in range(5):
            query = random.normal(size=(1, WIDTH)).astype(np.float32)
            for index in ways:
                for some in (None, allowed):
                    _check(index, query, some, truth, done)
    return done


def _check(
    index: SearchIndex,
    query: NDArray[np.float32],
    allowed: NDArray[np.int64] | None,
    truth: NDArray[np.float32],
    done: dict[str, int],
) -> None:
    asked = query[0].astype(np.float64) / np.linalg.norm(query.astype(np.float64))
    known = truth.astype(np.float64)
    scores = known @ asked / np.linalg.norm(known, axis=1)
    found = index.search(query, K, allowed=allowed)
    if allowed is not None:
        mask = np.full(len(scores), -np.inf)
        mask[allowed] = scores[allowed]
        scores = mask
    right = np.argsort(-scores, kind="stable")[:K]
    right = right[np.isfinite(scores[right])]
    there = found.positions[0][found.positions[0] >= 0]
    # What is found must be there, allowed, and have the score that is said.
    done["wrong"] += not np.allclose(found.scores[0][: len(there)], scores[there], atol=1e-9)
    if isinstance(index, GraphIndex):
        done["missed"] += len(np.setdiff1d(right, there))
        done["places"] += len(right)
    else:
        done["wrong"] += there.tolist() != right.tolist()
    done["searches"] += 1


if __name__ == "__main__":
    role, directory, duration, number = sys.argv[1:]
    part = write if role == "write" else read
    counts = part(Path(directory), float(duration), int(number))
    sys.stdout.write(json.dumps(counts) + "\n")
