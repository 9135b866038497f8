"""Building the index over a gallery, measuring it against exact search, keeping it up to date."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import GalleryError, SettingsError
from lookalike.gallery.changes import GalleryWriter
from lookalike.gallery.facts import IndexFacts
from lookalike.gallery.graph import GraphIndex
from lookalike.gallery.opened import Gallery
from lookalike.gallery.store import open_gallery
from lookalike.gallery.streamed import StreamedIndex
from lookalike.types import Metric, OnProgress, Progress, check_metric, silent

__all__ = ["FEWEST", "RECALL", "build_index", "follow_index", "measure_index"]

# An index is measured with so many pictures of the gallery, half to choose by and half to report.
SAMPLE = 400
DEPTH = 10
RECALL = 0.98
# Pictures that an index can be made of: its codes are learnt from them.
FEWEST = 1_000
# Pictures in a partition: enough that one search needs few of them.
PARTITION = 40_000
# Candidates for each hit wanted, the cheap ones first.
REFINES = (2, 4, 8, 16)
# Share of the pictures that may be new, changed or gone before the index is built anew.
STALE = 0.5
SEED = 0


def build_index(
    directory: Path,
    metric: Metric,
    *,
    recall: float = RECALL,
    on_progress: OnProgress = silent,
) -> IndexFacts:
    """Build the index of a gallery anew, and measure it.

    The caller holds whatever keeps other writers away.

    Args:
        directory: the gallery's.
        metric: what its searches order by.
        recall: share of the true 10 nearest to be found; how thoroughly the index looks is chosen
            to reach it where that is possible.
        on_progress: told what is being done.

    Raises:
        GalleryError: there is no gallery, or it has too few pictures.
        SettingsError: the recall is not between 0 and 1.
        StorageError: the disk is full or may not be written.
    """
    check_metric(metric)
    if not 0 < recall <= 1:
        raise SettingsError(f"recall is {recall}: wanted above 0, at most 1")
    gallery, writer = open_gallery(directory), GalleryWriter(directory)
    count = len(gallery)
    if count < FEWEST:
        raise GalleryError(
            f"the gallery at {directory} has {count:,} pictures: an index takes {FEWEST:,} or "
            "more; fewer are searched exactly in no time"
        )
    partitions = max(1, round(count / PARTITION))
    on_progress(Progress("index", 0, 2, f"{count:,} embeddings"))
    started = time.perf_counter()
    facts = IndexFacts(
        metric=metric,
        built=writer.build_index(metric, partitions),
        rows=count,
        held=count,
        changed=0,
        partitions=partitions,
        probes=1,
        refine=REFINES[0],
        recall=0.0,
        target=recall,
        sample=SAMPLE,
        shortest=0.0,
        longest=0.0,
        seconds=time.perf_counter() - started,
    )
    on_progress(Progress("index", 1, 2, "recall"))
    facts = measure_index(open_gallery(directory), facts)
    writer.keep_facts(facts)
    on_progress(Progress("index", 2, 2, f"recall {facts.recall:.3f}"))
    return facts


def follow_index(directory: Path, *, on_progress: OnProgress = silent) -> IndexFacts | None:
    """Take what has changed in a gallery into its index; build it anew when that is much.

    Args:
        directory: the gallery's.
        on_progress: told what is being done.

    Returns:
        What is known of the index now; None where there is none.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    gallery = open_gallery(directory)
    facts = gallery.index_facts
    if facts is None:
        if gallery.has_index:  # built by a process that was ended before it had measured it
            GalleryWriter(directory).drop_index()
        return None
    writer = GalleryWriter(directory)
    outside = writer.outside_index()
    lost = facts.held - (len(gallery) - outside)
    changed = facts.changed + max(outside, lost)
    if changed == facts.changed:
        return facts
    if len(gallery) < FEWEST:
        writer.drop_index()
        return None
    if changed > STALE * facts.rows:
        return build_index(directory, facts.metric, recall=facts.target, on_progress=on_progress)
    on_progress(Progress("index", 0, 1, f"{outside:,} new embeddings"))
    now = replace(facts, held=len(gallery), changed=changed)
    if outside:
        writer.extend_index()
        shortest, longest = _lengths(gallery)
        now = replace(now, shortest=shortest, longest=longest)
    writer.keep_facts(now)
    on_progress(Progress("index", 1, 1))
    return now


def measure_index(gallery: Gallery, facts: IndexFacts) -> IndexFacts:
    """Return the facts with the cheapest way to look that finds enough, and what it finds.

    Pictures of the gallery search for the others. On one half the number of partitions and of
    candidates is chosen, the first that reaches the target in the order of cost, or the best; on
    the other half its recall is measured.

    Args:
        gallery: with an index.
        facts: of that index, its metric, partitions and target.
    """
    random = np.random.default_rng(SEED)
    size = min(SAMPLE, len(gallery)) // 2 * 2
    places = random.permutation(np.sort(random.choice(len(gallery), size, replace=False)))
    rows = gallery.rows(places)
    truth = StreamedIndex(gallery, facts.metric).search(rows, DEPTH, exclude=places)
    shortest, longest = _lengths(gallery)
    facts = replace(facts, shortest=shortest, longest=longest, sample=size)
    half = size // 2
    best, best_recall = facts, -1.0
    for way in _ways(facts):
        found = GraphIndex(gallery, facts.metric, way).search(
            rows[:half], DEPTH, exclude=places[:half]
        )
        recall = _recall(found.positions, truth.positions[:half])
        if recall > best_recall:
            best, best_recall = way, recall
        if recall >= facts.target:
            break
    found = GraphIndex(gallery, facts.metric, best).search(
        rows[half:], DEPTH, exclude=places[half:]
    )
    return replace(best, recall=_recall(found.positions, truth.positions[half:]))


def _ways(facts: IndexFacts) -> Iterator[IndexFacts]:
    """Give ways to look, about in the order of what they cost."""
    probes = [1]
    while probes[-1] < facts.partitions:
        probes.append(min(facts.partitions, max(probes[-1] + 1, round(probes[-1] * 1.5))))
    pairs = [(probe, refine) for probe in probes for refine in REFINES]
    for probe, refine in sorted(pairs, key=lambda pair: (pair[0] * (8 + pair[1]), pair)):
        yield replace(facts, probes=probe, refine=refine)


def _recall(found: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    shared = sum(
        len(np.intersect1d(mine[mine >= 0], true[true >= 0]))
        for mine, true in zip(found, truth, strict=True)
    )
    return float(shared / max(1, int((truth >= 0).sum())))


def _lengths(gallery: Gallery) -> tuple[float, float]:
    """Return the lengths of the shortest and the longest embedding."""
    shortest, longest = np.inf, 0.0
    for _, rows in gallery.blocks():
        lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))
        shortest = min(shortest, float(lengths.min(initial=np.inf)))
        longest = max(longest, float(lengths.max(initial=0)))
    return (shortest if np.isfinite(shortest) else 0.0), longest
