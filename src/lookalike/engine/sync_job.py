"""What a sync does, once it is known what has to be done."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.accelerating import keep_index
from lookalike.engine.ahead import RowsToCome
from lookalike.engine.decoded import cache_matches, match_cache
from lookalike.engine.drift import Familiarity
from lookalike.engine.facade import Engine
from lookalike.engine.folders import folder_names
from lookalike.engine.limiting import written_limits
from lookalike.engine.manifest import write_manifest
from lookalike.engine.mounts import NOT_MOUNTED, mounted_folders
from lookalike.engine.skipped import keep_skipped, read_skipped
from lookalike.engine.sources import is_same_source, source_name
from lookalike.engine.sync_plan import SyncPlan
from lookalike.engine.synced import forget_state
from lookalike.gallery import GalleryRows, GalleryWriter, MovedRows
from lookalike.images import CacheUpdate, Collection, Skipped
from lookalike.images.decoding import Block, decode_in_order
from lookalike.images.guarded import Intake
from lookalike.types import OnProgress, Progress
from lookalike.walking import GONE

__all__ = ["SyncJob"]

# Pictures in one commit, and their decoded bytes: what a sync that is cut short has to do again is
# less than this, and memory does not grow with what is new.
BATCH = 2048
BATCH_BYTES = 64_000_000


class SyncJob:
    """What a sync changes as it goes.

    Attributes:
        broken: the files that turned out to be no pictures, by their positions.
    """

    def __init__(
        self,
        engine: Engine,
        collection: Collection,
        plan: SyncPlan,
        intake: Intake,
        on_progress: OnProgress,
    ) -> None:
        self.engine = engine
        self.collection = collection
        self.plan = plan
        self.intake = intake
        self.on_progress = on_progress
        self.broken: dict[int, Skipped] = {}
        self.writer = GalleryWriter(engine.layout.gallery)
        self.cache = CacheUpdate(engine.cache) if plan.changes and engine.cache else None
        self.batch = max(1, min(BATCH, BATCH_BYTES // int(np.prod(engine.image.shape))))
        ids = engine.gallery.ids
        following = int(ids.max()) + 1 if len(ids) else 0
        self.next_id = max(following, engine.manifest.next_id)

    @property
    def unread(self) -> frozenset[int]:
        """Positions of the broken ones that could not even be read."""
        return frozenset(one for one, skipped in self.broken.items() if skipped.file == GONE)

    def run(self) -> None:
        """Change the gallery: remove, move, then add, so that no path is ever there twice."""
        plan, gallery = self.plan, self.engine.gallery
        if not plan.changes:
            return
        forget_state(self.engine.layout)  # until all of this is done, it is of no state
        self._reserve_ids()
        self.writer.remove(gallery.ids[list(plan.removed)])
        self.writer.move(self._moved_rows([*plan.moved, *plan.touched]))
        self._copy()
        own = {position: int(gallery.ids[place]) for position, place in plan.changed}
        self._embed([*plan.added, *own], own)
        # What cannot be decoded any more is gone; what could not even be read may come back.
        gone = [one for one in own if one in self.broken and one not in self.unread]
        self.writer.remove(np.array([own[position] for position in gone], np.int64))
        self.writer.compact()
        keep_index(self.engine.layout, self.engine.manifest, on_progress=self.on_progress)

    def _reserve_ids(self) -> None:
        """Note which ids may be given now: after a crash none of them is given to another one."""
        reserved = self.next_id + len(self.plan.added) + len(self.plan.copied)
        manifest = replace(self.engine.manifest, next_id=reserved)
        if manifest != self.engine.manifest:
            write_manifest(self.engine.layout.manifest, manifest)

    def finish(self) -> int:
        """Write what else depends on the gallery; return how many pictures it holds now."""
        engine, layout = self.engine, self.engine.layout
        skipped = dict(self.plan.skipped)
        skipped |= {one.path: one for one in self.broken.values()}
        if skipped != read_skipped(layout):
            keep_skipped(layout, skipped.values())
        engine.refresh()
        if self.cache is None and engine.cache is not None and not cache_matches(engine):
            self.cache = CacheUpdate(engine.cache)  # the last sync was cut short before this
        self._follow_with_cache()
        manifest = engine.manifest
        source = manifest.source
        if not is_same_source(self.collection.source, source):
            source = source_name(self.collection)
        counts = replace(manifest.counts, gallery=len(engine.gallery), skipped=len(skipped))
        root = str(self.collection.root.resolve())
        now = replace(
            manifest,
            counts=counts,
            root=root,
            source=source,
            folders=folder_names(self.collection),
            mounts=self._mounts(),
            limits=written_limits(self.collection.limits),
            next_id=self.next_id,
        )
        if now != manifest:
            write_manifest(layout.manifest, now)
        return len(engine.gallery)

    def _mounts(self) -> list[str]:
        """Return the folders in which a disk is mounted, or was and its pictures are kept."""
        away = [one.path for one in self.collection.skipped if one.reason == NOT_MOUNTED]
        return sorted({*mounted_folders(self.collection), *away})

    def _moved_rows(self, pairs: Sequence[tuple[int, int]]) -> MovedRows:
        positions = [position for position, _ in pairs]
        pictures = [self.collection.pictures[position] for position in positions]
        files = np.array([self.plan.files[one] for one in positions], np.int64).reshape(-1, 2)
        return MovedRows(
            self.engine.gallery.ids[[place for _, place in pairs]],
            [picture.path for picture in pictures],
            [picture.label for picture in pictures],
            [picture.split for picture in pictures],
            files[:, 0],
            files[:, 1],
        )

    def _copy(self) -> None:
        """Add pictures whose content the gallery has under another path."""
        if not self.plan.copied:
            return
        rows, gallery = self._moved_rows(self.plan.copied), self.engine.gallery
        places = [place for _, place in self.plan.copied]
        self._put(
            GalleryRows(
                rows.paths,
                rows.labels,
                rows.splits,
                gallery.widths[places],
                gallery.heights[places],
                [gallery.sha256[place] for place in places],
                gallery.rows(np.array(places, np.int64)),
                rows.file_sizes,
                rows.modified,
            ),
            [None] * len(places),
        )

    def _embed(self, positions: Sequence[int], own: Mapping[int, int]) -> None:
        """Decode, embed and put pictures; those of `own` have an id."""
        if not positions:
            return
        started, done, familiarity = (
            time.perf_counter(),
            0,
            Familiarity(self.engine, len(positions)),
        )
        for start in range(0, len(positions), self.batch):
            batch = sorted(positions[start : start + self.batch])
            pixels, facts, kept, embeddings = self._embedded(batch)
            if len(pixels):
                familiarity.see(pixels, embeddings)
                self._put(_rows(facts, embeddings), [own.get(position) for position in kept])
                if self.cache is not None:
                    self.cache.add(pixels, facts)
            done += len(batch)
            rate = done / (time.perf_counter() - started)
            self.on_progress(Progress("sync", done, len(positions), f"{rate:,.0f} pictures/s"))

    def _embedded(
        self, batch: Sequence[int]
    ) -> tuple[NDArray[np.uint8], list[dict[str, Any]], list[int], NDArray[np.float32]]:
        """Decode and embed pictures; note which are broken.

        Returns:
            Of the others: pixels (n, H, W, C), facts, positions, and embeddings (n, D).
        """
        facts: list[dict[str, Any]] = []
        kept: list[int] = []
        blocks, embeddings = [], RowsToCome()
        position_of = {self.collection.pictures[one].path: one for one in batch}
        try:
            for block in self._decoded(batch):
                blocks.append(block.pixels)
                if len(block.pixels):
                    embeddings.add(self.engine.encoder.begin_embeddings(block.pixels))
                facts += _facts(self.collection, batch, block)
                kept += [batch[at] for at in block.positions]
                for one in block.skipped:
                    self.broken[position_of[one.path]] = one
            return np.concatenate(blocks), facts, kept, embeddings.all()
        except BaseException:
            embeddings.stop()
            raise

    def _decoded(self, positions: Sequence[int]) -> Iterator[Block]:
        pictures = (self.collection.pictures[position] for position in positions)
        return decode_in_order(
            self.collection.with_pictures(pictures), self.engine.image, intake=self.intake
        )

    def _put(self, rows: GalleryRows, ids: Sequence[int | None]) -> None:
        given = []
        for one in ids:
            given.append(self.next_id if one is None else one)
            self.next_id += one is None
        self.writer.put(rows, np.array(given, np.int64))

    def _follow_with_cache(self) -> None:
        """Make the decoded pictures those of the gallery and the queries kept beside it."""
        if self.cache is None:
            return
        gallery = self.engine.gallery
        positions = {picture.path: at for at, picture in enumerate(self.collection.pictures)}
        # A sync that was cut short may have left pictures out.
        lacking = [
            positions[path]
            for path, sha256 in zip(gallery.paths, gallery.sha256, strict=True)
            if self.cache.lacks(sha256) and path in positions
        ]
        for start in range(0, len(lacking), self.batch):
            batch = sorted(lacking[start : start + self.batch])
            for block in self._decoded(batch):
                self.cache.add(block.pixels, _facts(self.collection, batch, block))
        match_cache(self.engine, self.cache)


def _facts(collection: Collection, positions: Sequence[int], block: Block) -> list[dict[str, Any]]:
    """Return what is known of each picture of a block, by the cache's columns."""
    return [
        {
            "paths": collection.pictures[positions[at]].path,
            "labels": collection.pictures[positions[at]].label,
            "splits": collection.pictures[positions[at]].split,
            "widths": width,
            "heights": height,
            "file_sizes": size,
            "modified": modified,
            "sha256": sha256,
        }
        for at, (width, height), (size, modified), sha256 in zip(
            block.positions, block.sizes, block.files, block.sha256, strict=True
        )
    ]


def _rows(facts: Sequence[Mapping[str, Any]], embeddings: NDArray[np.float32]) -> GalleryRows:
    def column(name: str) -> list[Any]:
        return [fact[name] for fact in facts]

    return GalleryRows(
        column("paths"),
        column("labels"),
        column("splits"),
        np.array(column("widths"), np.int32),
        np.array(column("heights"), np.int32),
        column("sha256"),
        embeddings,
        np.array(column("file_sizes"), np.int64),
        np.array(column("modified"), np.int64),
    )
