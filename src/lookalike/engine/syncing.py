"""Sync: a gallery follows its folder, at the cost of what changed."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.engine.exchange import recover_engine
from lookalike.engine.folders import (
    AWAY,
    change_folders,
    join_folders,
    leave_out,
    without_first,
    without_mounts_away,
)
from lookalike.engine.limiting import limits_of
from lookalike.engine.lock import writing
from lookalike.engine.manifest import Layout, read_manifest
from lookalike.engine.skipped import read_skipped
from lookalike.engine.sources import has_moved, is_same_source, open_source, reopen_source
from lookalike.engine.sync_plan import SyncPlan, make_plan
from lookalike.engine.synced import is_as_synced, keep_state, source_state
from lookalike.errors import CollectionError, EngineError, SettingsError
from lookalike.types import OnProgress, silent

if TYPE_CHECKING:
    from lookalike.engine.drift import Drift
    from lookalike.engine.facade import Engine
    from lookalike.images import Collection, IntakeLimits, Skipped

__all__ = ["SyncReport", "check_watch", "sync_engine"]


@dataclass(frozen=True)
class SyncReport:
    """What a sync did, or would do.

    Attributes:
        plan: what it found.
        broken: positions of files that turned out to be no pictures.
        pictures: in the gallery now.
        seconds: it took.
        unread: those of them that could not even be read; what was there of them stays.
        dry_run: nothing was changed.
        drift: how the pictures that came since the training compare; None where none came now.
        away: folders of which nothing can be said, each with the reason; their pictures are kept.
    """

    plan: SyncPlan
    broken: frozenset[int]
    pictures: int
    seconds: float
    unread: frozenset[int] = frozenset()
    dry_run: bool = False
    away: tuple[Skipped, ...] = ()
    drift: Drift | None = None

    @property
    def is_certain(self) -> bool:
        """Whether all there is was read: if not, it is looked at again next time."""
        return self.plan.is_certain and not self.unread

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        broken = len(self.broken)
        changed = sum(position in self.broken for position, _ in self.plan.changed)
        unread = sum(position in self.unread for position, _ in self.plan.changed)
        counts = self.plan.counts()
        return {
            **counts,
            "added": counts["added"] - (broken - changed),
            "changed": counts["changed"] - changed,
            "removed": counts["removed"] + changed - unread,
            "kept": counts["kept"] + unread,
            "skipped": counts["skipped"] + broken,
            "embedded": 0 if self.dry_run else self.plan.embeds - broken,
            "pictures": self.pictures,
            "seconds": round(self.seconds, 3),
            "dry_run": self.dry_run,
            "away": {one.path: one.reason for one in self.away},
            "drift": self.drift.as_dict() if self.drift else None,
        }


def sync_engine(
    engine: str | Path,
    source: str | Path | None = None,
    *,
    add: Sequence[str | Path] = (),
    drop: Sequence[str] = (),
    verify: bool = False,
    dry_run: bool = False,
    device: str = "auto",
    data_home: Path | None = None,
    limits: IntakeLimits | None = None,
    on_progress: OnProgress = silent,
) -> SyncReport:
    """Make the gallery hold what its folders hold now.

    Files are known by size and time of change, else by content: a moved or copied file is not
    embedded again. Every batch is a commit, so that a sync which is cut short goes on where it
    stopped when it is run again. A folder that is away, and one that holds nothing of what the
    gallery knows of it, are left alone and named.

    Args:
        engine: the engine's directory.
        source: where the pictures are now; None for where they were.
        add: further folders for the gallery, from now on; `@name=folder` names one, or says where
            a known one is now.
        drop: names of further folders, or of folders in which a disk was mounted, that are gone.
        verify: read every file, whatever its size and time say.
        dry_run: change nothing.
        device: where the encoder runs.
        data_home: where data sets are kept.
        limits: what one picture may cost from now on; None for what it was. Other limits try all
            files again that were skipped.
        on_progress: told how far each stage is.

    Raises:
        EngineError: there is no engine or no gallery, its pictures are gone altogether, a folder
            to add or drop makes no sense, or another process is changing the engine.
        StorageError: the disk is full or may not be written; what was committed stays.
    """
    layout = Layout(Path(engine))
    started = time.perf_counter()
    recover_engine(layout)
    manifest = read_manifest(layout.manifest)
    folders = change_folders(manifest.places, manifest.mounts, add, drop)
    state = source_state(manifest.source if source is None else source, folders)
    same_limits = limits is None or limits == limits_of(manifest)
    as_ever = source is None and same_limits and not (add or drop or verify)
    if as_ever and is_as_synced(layout, state):
        plan = SyncPlan(unchanged=manifest.counts.gallery, skipped=read_skipped(layout))
        seconds = time.perf_counter() - started
        return SyncReport(plan, frozenset(), manifest.counts.gallery, seconds, dry_run=dry_run)
    asked = _Asked(source, tuple(add), tuple(drop), verify, dry_run, data_home, limits, on_progress)
    lock = contextlib.nullcontext() if dry_run else writing(layout, "lookalike sync")
    with lock:
        report = _sync(layout, asked, device)
        if not dry_run:
            keep_state(layout, state if report.is_certain else None)
    return replace(report, seconds=time.perf_counter() - started)


@dataclass(frozen=True)
class _Asked:
    source: str | Path | None
    add: tuple[str | Path, ...]
    drop: tuple[str, ...]
    verify: bool
    dry_run: bool
    data_home: Path | None
    limits: IntakeLimits | None
    on_progress: OnProgress


def _sync(layout: Layout, asked: _Asked, device: str) -> SyncReport:
    from lookalike.engine.drift import read_drift
    from lookalike.engine.facade import open_engine
    from lookalike.engine.sync_job import SyncJob
    from lookalike.images.guarded import Intake

    opened = open_engine(layout.directory, device=device)
    limits = asked.limits or limits_of(opened.manifest)
    collection = replace(_collection(opened, asked), limits=limits)
    collection, plan = _plan(opened, collection, asked)
    whole = {".", *collection.folders, *opened.manifest.mounts}
    away = tuple(one for one in collection.skipped if one.path in whole)
    if asked.dry_run:
        return SyncReport(plan, frozenset(), len(opened.gallery), 0.0, dry_run=True, away=away)
    with Intake(limits) as intake:
        job = SyncJob(opened, collection, plan, intake, asked.on_progress)
        job.run()
        pictures = job.finish()
    drift = read_drift(opened) if plan.embeds else None
    broken = frozenset(job.broken)
    return SyncReport(plan, broken, pictures, 0.0, unread=job.unread, away=away, drift=drift)


def _plan(engine: Engine, collection: Collection, asked: _Asked) -> tuple[Collection, SyncPlan]:
    """Compare; a folder that has nothing of what the gallery knows of it is not believed.

    Raises:
        EngineError: that is all there is.
    """
    # Other limits may take what was skipped.
    same = collection.limits == limits_of(engine.manifest)
    known = read_skipped(engine.layout) if same else {}

    def compare() -> SyncPlan:
        return make_plan(
            engine.gallery,
            collection,
            known,
            verify=asked.verify,
            on_progress=asked.on_progress,
        )

    plan = compare()
    _check_not_emptied(engine, collection, plan)
    for name, count in _emptied(engine, collection, plan).items():
        collection = leave_out(collection, name, f"none of its {count:,} pictures is there now")
        plan = compare()
    return collection, plan


def _emptied(engine: Engine, collection: Collection, plan: SyncPlan) -> dict[str, int]:
    """Return the folders all of whose pictures would be removed, with how many these are."""
    of = collection.places.folder_of
    known = Counter(map(of, engine.gallery.paths))
    gone = Counter(of(engine.gallery.paths[place]) for place in plan.removed)
    # What was dropped is no folder any more: its pictures look like those of the first one.
    names = {"", *collection.folders} if collection.folders else set()
    return {name: count for name, count in gone.items() if name in names and count == known[name]}


def _check_not_emptied(engine: Engine, collection: Collection, plan: SyncPlan) -> None:
    """Refuse to follow a folder that has nothing of what the gallery holds.

    Raises:
        EngineError: it has not.
    """
    if plan.removed and len(plan.removed) == len(engine.gallery):
        raise EngineError(
            f"nothing is changed: none of the {len(engine.gallery):,} pictures of "
            f"{engine.layout.directory} is in {collection.source} any more. Mount the disk or name "
            "the right folder; if this is meant, make the gallery anew with `lookalike index`"
        )


def check_watch(every: float, *, dry_run: bool, verify: bool) -> None:
    """Check that following a folder makes sense.

    Raises:
        SettingsError: the settings do not go together.
    """
    if not every > 0:
        raise SettingsError(f"every is {every} seconds: wanted above 0")
    if dry_run or verify:
        name = "dry-run" if dry_run else "verify"
        raise SettingsError(f"watch looks again and again, {name} once: leave one out")


def _collection(engine: Engine, asked: _Asked) -> Collection:
    """Return what the folders hold, if it can be believed.

    Raises:
        EngineError: it cannot.
    """
    manifest, directory = engine.manifest, engine.layout.directory
    folders = change_folders(manifest.places, manifest.mounts, asked.add, asked.drop)
    try:
        try:
            found = join_folders(_first(engine, asked, folders), folders)
        except CollectionError as error:
            if not folders:
                raise
            found = without_first(manifest, folders, str(error))
        return without_mounts_away(found, manifest.mounts, asked.drop)
    except CollectionError as error:
        raise EngineError(
            f"nothing is changed, the {len(engine.gallery):,} pictures of {directory} are kept: "
            f"{error}"
        ) from error


def _first(engine: Engine, asked: _Asked, folders: Mapping[str, Path]) -> Collection:
    """Return what the folder holds that the engine was made from.

    Raises:
        CollectionError: it holds no picture, or is away and there are other folders.
        EngineError: it is away, or another folder was named although it is there.
    """
    directory, known, source = engine.layout.directory, engine.manifest.source, asked.source
    if has_moved(known) and source is None and folders:
        raise CollectionError(AWAY)
    if has_moved(known) and source is None:
        raise EngineError(
            f"{known} is not there: the {len(engine.gallery):,} pictures of {directory} are kept. "
            "Mount the disk, or name the folder's new place: `lookalike sync ENGINE FOLDER`"
        )
    if source is not None and not has_moved(known) and not is_same_source(source, known):
        raise EngineError(
            f"{directory} follows {known}, which is still there, and not {source}: sync without a "
            "folder, add it as a further one (--add), or make another engine for it"
        )
    if source is None:
        return reopen_source(known, directory, home=asked.data_home)
    return open_source(source, home=asked.data_home)
