"""The gallery in clusters: what kinds of pictures there are, each with its decoded average."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.decoded import cached_gallery
from lookalike.engine.indexes import all_embeddings
from lookalike.engine.looking import picture_thumbnail, proportion, unstretched
from lookalike.errors import EngineError, SettingsError
from lookalike.gallery import Partition, k_means
from lookalike.pictures import ClusterCell, ClusterRow, draw_clusters, to_png
from lookalike.types import OnProgress, Progress, silent

if TYPE_CHECKING:
    from PIL.Image import Image

    from lookalike.engine.parts import EngineParts

__all__ = ["Cluster", "Clusters", "find_clusters"]

# Members whose latents make an average: more change nothing that one can see.
AVERAGED = 1_000
# Central members that are named and drawn.
CENTRAL = 8
# A page of more rows than these no one looks at.
DRAWN = 25
SEEDS = 2**31


@dataclass(frozen=True)
class Cluster:
    """Pictures of the gallery that are alike.

    Attributes:
        rank: 1 is the largest cluster.
        size: pictures in it.
        members: paths of its most central pictures, the most central first; at most 8.
        label: the most frequent weak label among its pictures, the first by name of several; None
            where there are no labels.
        share: of its pictures that have this label, of 1; None where there are no labels.
        average: uint8 (H, W, C), the decoded mean of its latents, of at most 1,000 of them; None
            without a decoder or the decoded pictures.
    """

    rank: int
    size: int
    members: tuple[str, ...]
    label: str | None = None
    share: float | None = None
    average: NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.members or self.size < len(self.members):
            raise SettingsError(
                f"a cluster of {self.size} pictures has {len(self.members)} central ones"
            )


@dataclass(frozen=True)
class Clusters:
    """The clusters of a gallery, the largest first.

    Attributes:
        clusters: each with at least one picture; together they hold every picture once.
        seed: of the k-means that made them.
        note: why there is something missing; None where nothing is.
        draw: draws the 25 largest, a row each; set by the engine.
    """

    clusters: tuple[Cluster, ...]
    seed: int
    note: str | None
    draw: Callable[[], Image] = field(repr=False, compare=False)

    @property
    def pictures(self) -> int:
        """How many pictures there are in all clusters."""
        return sum(one.size for one in self.clusters)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON; averages are for drawing only."""
        names = ("rank", "size", "label", "share", "members")
        return {
            "pictures": self.pictures,
            "seed": self.seed,
            "note": self.note,
            "clusters": [{name: getattr(one, name) for name in names} for one in self.clusters],
        }

    def _repr_png_(self) -> bytes:
        return to_png(self.draw())


def find_clusters(
    engine: EngineParts,
    count: int,
    *,
    seed: int | None = None,
    on_progress: OnProgress = silent,
) -> Clusters:
    """Part the gallery by k-means over its embeddings and decode each cluster's average.

    Args:
        engine: the engine.
        count: clusters wanted; fewer come back where fewer pictures differ.
        seed: of the k-means, below 2**31; None for the engine's own.
        on_progress: told how many starts of the k-means are done, then how many averages.

    Raises:
        EngineError: there is no gallery, or its embeddings are more than memory is set to hold.
        SettingsError: the count is below 1, or the seed is out of range.
    """
    seed = engine.manifest.seed % SEEDS if seed is None else seed
    partition = k_means(_comparable(engine), count, seed, on_progress=on_progress)
    averages, missing = _averages(engine, partition, seed, on_progress)
    clusters = tuple(
        _describe(engine, rank, group, average)
        for rank, (group, average) in enumerate(
            zip(partition.groups, averages, strict=True), start=1
        )
    )
    fewer = f"{count:,} clusters were asked for, {len(clusters):,} found: more would be empty"
    notes = [fewer] if len(clusters) < count else []
    note = "; ".join(notes + ([missing] if missing else [])) or None
    return Clusters(clusters, seed, note, lambda: _draw(engine, clusters, note))


def _comparable(engine: EngineParts) -> NDArray[np.float32]:
    """Return embeddings whose distances order as the engine's metric does."""
    embeddings = all_embeddings(engine, "clusters")
    if engine.manifest.metric != "cosine":
        return embeddings
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return np.asarray(embeddings / np.where(lengths > 0, lengths, 1), np.float32)


def _averages(
    engine: EngineParts, partition: Partition, seed: int, on_progress: OnProgress
) -> tuple[Sequence[NDArray[np.uint8] | None], str | None]:
    """Return each cluster's decoded average, or why there is none."""
    none = [None] * len(partition.groups)
    if not engine.encoder.decodes:
        return none, f"no averages: preset {engine.manifest.preset} has no decoder"
    try:
        cache, rows = cached_gallery(engine)
    except EngineError as error:
        return none, f"no averages: {error}"
    random = np.random.default_rng(seed)
    means = []
    for number, group in enumerate(partition.groups, start=1):
        some = group
        if len(group) > AVERAGED:
            some = np.sort(random.choice(group, AVERAGED, replace=False))
        latents = engine.encoder.latents(cache.pixels, rows[some])
        means.append(latents.mean(axis=0, dtype=np.float64).astype(np.float32))
        on_progress(Progress("average", number, len(partition.groups)))
    return list(engine.encoder.decode(np.stack(means))), None


def _describe(
    engine: EngineParts, rank: int, group: NDArray[np.int64], average: NDArray[np.uint8] | None
) -> Cluster:
    paths, labels = engine.gallery.paths, engine.gallery.labels
    members = tuple(paths[place] for place in group[:CENTRAL])
    counts = Counter(label for place in group if (label := labels[place]) is not None)
    if not counts:
        return Cluster(rank, len(group), members, average=average)
    label = min(counts, key=lambda name: (-counts[name], name))
    return Cluster(rank, len(group), members, label, counts[label] / len(group), average)


def _draw(engine: EngineParts, clusters: Sequence[Cluster], note: str | None) -> Image:
    pictures = sum(one.size for one in clusters)
    drawn = clusters[:DRAWN]
    rows = [_row(engine, one, pictures) for one in drawn]
    some = f"the {len(drawn):,} largest of " if len(drawn) < len(clusters) else ""
    name = engine.layout.directory.name
    title = f"{name}: {some}{len(clusters):,} clusters of {pictures:,} pictures"
    return draw_clusters(rows, title=title, note=note)


def _row(engine: EngineParts, one: Cluster, pictures: int) -> ClusterRow:
    members = tuple(_cell(engine, path) for path in one.members)
    average = one.average
    if average is not None:
        shape = float(np.mean([proportion(cell.thumbnail) for cell in members]))
        average = unstretched(engine, average, shape)
    return ClusterRow(average, f"Cluster {one.rank}", _texts(one, pictures), members)


def _texts(one: Cluster, pictures: int) -> tuple[str, ...]:
    size = f"{one.size:,} {'picture' if one.size == 1 else 'pictures'}"
    label = f"{one.share:.0%} {one.label}" if one.label is not None else ""
    return (size, f"{one.size / pictures:.0%} of all", label)


def _cell(engine: EngineParts, path: str) -> ClusterCell:
    position = engine.gallery.position(path)
    label = None if position is None else engine.gallery.labels[position]
    return ClusterCell(picture_thumbnail(engine, path), label or "")
