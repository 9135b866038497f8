"""The map of a whole gallery: where each picture stands, kept while the gallery changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.map_file import MapRecord, keep_record, places_file, read_record
from lookalike.errors import SettingsError, StorageError
from lookalike.pictures import AMONG, lay_out, nearest_points, place_among
from lookalike.types import OnProgress, Progress, check_metric, silent

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts
    from lookalike.gallery import Gallery

__all__ = ["GalleryMap", "fitting_map", "make_map", "map_sign"]

# A map of which so many have been placed among the others, and not laid out, is laid out anew.
PLACED_SHARE = 0.2
DIMENSIONS = 50
SEEDS = 2**32


@dataclass(frozen=True, eq=False)
class GalleryMap:
    """Where every picture of one state of a gallery stands.

    Pictures are in the order of their *slots*: a slot stays a picture's own while the picture
    stays as it is, so that a sync changes few of the pages that show the map's pictures.

    Attributes:
        ids: int64 (N,), of the pictures in their slots.
        places: float32 (N, 2), x and y in the unit square, y downwards; both are of one scale.
        rows: int64 (N,), the pictures' places in the gallery.
        placed: how many have found a place among the others since all were laid out.
        seed: that the layout was made with.
        is_kept: it is in the engine's directory too.
    """

    ids: NDArray[np.int64]
    places: NDArray[np.float32]
    rows: NDArray[np.int64]
    placed: int
    seed: int
    is_kept: bool = True

    def __post_init__(self) -> None:
        if not len(self.ids) == len(self.places) == len(self.rows):
            raise SettingsError(
                f"a map does not match: {len(self.ids)} ids, {len(self.places)} places, "
                f"{len(self.rows)} rows"
            )

    def __len__(self) -> int:
        return len(self.ids)

    def place(self, ids: Sequence[int]) -> tuple[float, float]:
        """Return where a picture stands whose closest are these: x and y.

        Args:
            ids: of pictures of the map, the closest first; others are passed over. The first
                `AMONG` decide. One alone gives its own place.
        """
        order = np.argsort(self.ids, kind="stable")
        wanted = np.asarray(ids[:AMONG], np.int64)
        at = np.searchsorted(self.ids[order], wanted) if len(self) else wanted[:0]
        found = [order[i] for i, one in zip(at, wanted, strict=False) if self._is(order, i, one)]
        x, y = place_among(self.places[None, np.array(found, np.int64)])[0]
        return float(x), float(y)

    def _is(self, order: NDArray[np.int64], at: int, picture: int) -> bool:
        return at < len(order) and bool(self.ids[order[at]] == picture)


def fitting_map(engine: EngineParts) -> GalleryMap | None:
    """Return the map that is kept, if it is of the gallery as it is now."""
    record = read_record(engine)
    if record is None:
        return None
    rows = _rows_of(record, engine.gallery)
    if len(record.ids) != len(engine.gallery) or (rows < 0).any():
        return None
    return _with_rows(record, rows, is_kept=True)


def map_sign(engine: EngineParts) -> tuple[int, int] | None:
    """Return what changes whenever another map is kept; None where none of this gallery is."""
    try:
        status = places_file(engine).stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_ino) if read_record(engine) is not None else None


def make_map(
    engine: EngineParts,
    *,
    anew: bool = False,
    seed: int | None = None,
    on_progress: OnProgress = silent,
) -> GalleryMap:
    """Return the map of the gallery as it is now; see `Engine.gallery_map`.

    Raises:
        SettingsError: the seed is not one that t-SNE takes.
    """
    if seed is not None and not 0 <= seed < SEEDS:
        raise SettingsError(f"seed of the map is {seed}: wanted 0 to 2**32 - 1")
    before = read_record(engine)
    if before is not None and seed is not None and seed != before.seed:
        before = None
    if before is not None and not anew:
        rows = _rows_of(before, engine.gallery)
        if len(rows) == len(engine.gallery) and (rows >= 0).all():
            return _with_rows(before, rows, is_kept=True)
        fresh = len(engine.gallery) - int((rows >= 0).sum())
        if before.placed + fresh <= PLACED_SHARE * len(engine.gallery):
            return _keep(engine, _followed(engine, before, rows, on_progress))
    if seed is None:
        seed = engine.manifest.seed % SEEDS if before is None else before.seed
    return _keep(engine, _laid_out(engine, before, seed, on_progress))


def _keep(engine: EngineParts, record: MapRecord) -> GalleryMap:
    """Write a map where that can be done: who only reads an engine may look at its map too."""
    try:
        keep_record(engine, record)
    except StorageError:
        return _with_rows(record, _rows_of(record, engine.gallery), is_kept=False)
    return _with_rows(record, _rows_of(record, engine.gallery), is_kept=True)


def _with_rows(record: MapRecord, rows: NDArray[np.int64], *, is_kept: bool) -> GalleryMap:
    return GalleryMap(record.ids, record.places, rows, record.placed, record.seed, is_kept)


def _rows_of(record: MapRecord, gallery: Gallery) -> NDArray[np.int64]:
    """Return the place in the gallery of each slot; -1 where the picture is gone or another."""
    if not len(gallery):
        return np.full(len(record.ids), -1, np.int64)
    at = np.minimum(np.searchsorted(gallery.ids, record.ids), len(gallery) - 1)
    same = (gallery.ids[at] == record.ids) & (_contents(gallery)[at] == record.contents)
    return np.where(same, at, -1)


def _contents(gallery: Gallery) -> NDArray[np.uint64]:
    """Return the first eight bytes of each picture's digest."""
    return np.array([int(digest[:16] or "0", 16) for digest in gallery.sha256], np.uint64)


def _laid_out(
    engine: EngineParts, before: MapRecord | None, seed: int, on_progress: OnProgress
) -> MapRecord:
    """Lay out all; where there was a map, starting from that, so that people know their way."""
    gallery = engine.gallery
    on_progress(Progress("map", 0, 0, "reading the gallery"))
    reduced = _reduced(engine)
    start = None if before is None else _start(before, gallery, reduced)
    places = lay_out(reduced, seed, start=start, on_progress=on_progress)
    return MapRecord(gallery.ids.astype(np.int64), _contents(gallery), places, 0, seed)


def _start(
    before: MapRecord, gallery: Gallery, reduced: NDArray[np.float32]
) -> NDArray[np.float32] | None:
    """Return where pictures stood before, new ones near those most like them; None if few did."""
    rows = _rows_of(before, gallery)
    known = rows[rows >= 0]
    if len(known) < max(AMONG, len(gallery) / 2):
        return None
    start = np.empty((len(gallery), 2), np.float32)
    start[known] = before.places[rows >= 0]
    fresh = np.ones(len(gallery), np.bool_)
    fresh[known] = False
    new = np.flatnonzero(fresh)
    if len(new):
        _, near = nearest_points(reduced[known], reduced[new], AMONG)
        start[new] = place_among(start[known][near], gallery.ids[new])
    return start


def _followed(
    engine: EngineParts, before: MapRecord, rows: NDArray[np.int64], on_progress: OnProgress
) -> MapRecord:
    """Leave out what is gone, and place what is new among its neighbours."""
    gallery, there = engine.gallery, rows >= 0
    known = np.zeros(len(gallery), np.bool_)
    known[rows[there]] = True
    new = np.flatnonzero(~known)
    places = np.empty((len(gallery), 2), np.float32)
    places[rows[there]] = before.places[there]
    places[new] = _among(engine, new, np.flatnonzero(known), places, on_progress)
    slots = _slots(rows, new)
    return MapRecord(
        gallery.ids[slots], _contents(gallery)[slots], places[slots], before.placed + len(new),
        before.seed,
    )  # fmt: skip


def _slots(rows: NDArray[np.int64], new: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the gallery's places in their slots: new ones take those of what is gone."""
    slots = np.concatenate([rows, np.full(max(0, len(new) - int((rows < 0).sum())), -1)])
    free = np.flatnonzero(slots < 0)
    slots[free[: len(new)]] = new
    count = int((slots >= 0).sum())
    gaps = np.flatnonzero(slots[:count] < 0)
    last = count + np.flatnonzero(slots[count:] >= 0)
    slots[gaps] = slots[last]
    return slots[:count]


def _among(
    engine: EngineParts,
    new: NDArray[np.int64],
    known: NDArray[np.int64],
    places: NDArray[np.float32],
    on_progress: OnProgress,
) -> NDArray[np.float32]:
    """Return places for new pictures among the known ones that are most like them."""
    index = engine.index(check_metric(engine.manifest.metric))
    found = np.full((len(new), 2), 0.5, np.float32)
    step = 256
    for first in range(0, len(new) if len(known) else 0, step):
        some = new[first : first + step]
        near = index.search(engine.gallery.rows(some), AMONG, allowed=known).positions
        around = places[near].astype(np.float64)
        around[near < 0] = np.nan
        found[first : first + step] = place_among(around, engine.gallery.ids[some])
        on_progress(Progress("place", first + len(some), len(new)))
    return found


def _reduced(engine: EngineParts) -> NDArray[np.float32]:
    """Return the gallery's first principal components (N, ≤ 50), read a block at a time."""
    gallery = engine.gallery
    cosine = engine.manifest.metric == "cosine"
    total, squares = np.zeros(gallery.width), np.zeros((gallery.width, gallery.width))
    for _, rows in gallery.blocks():
        block = _comparable(rows, cosine)
        total += block.sum(axis=0, dtype=np.float64)
        squares += block.T @ block
    mean = total / max(1, len(gallery))
    values, axes = np.linalg.eigh(squares / max(1, len(gallery)) - np.outer(mean, mean))
    axes = axes[:, ::-1][:, :DIMENSIONS]
    # The sign of an axis is arbitrary: fix it, so that the map does not flip between machines.
    strongest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    axes = axes * np.where(strongest < 0, -1.0, 1.0) / np.sqrt(max(values[-1], 1e-12))
    reduced = np.empty((len(gallery), axes.shape[1]), np.float32)
    for places, rows in gallery.blocks():
        reduced[places] = (_comparable(rows, cosine) - mean.astype(np.float32)) @ axes
    return reduced


def _comparable(rows: NDArray[np.float32], cosine: bool) -> NDArray[np.float32]:
    """Return embeddings whose distances order as the engine's metric does."""
    if not cosine:
        return rows
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)
