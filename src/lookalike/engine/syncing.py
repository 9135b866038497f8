"""Sync: a gallery follows its folder, at the cost of what changed."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.engine.exchange import recover_engine
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
    from lookalike.engine.facade import Engine
    from lookalike.images import Collection, IntakeLimits

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
    """

    plan: SyncPlan
    broken: frozenset[int]
    pictures: int
    seconds: float
    unread: frozenset[int] = frozenset()
    dry_run: bool = False

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
        }


def sync_engine(
    engine: str | Path,
    source: str | Path | None = None,
    *,
    verify: bool = False,
    dry_run: bool = False,
    device: str = "auto",
    data_home: Path | None = None,
    limits: IntakeLimits | None = None,
    on_progress: OnProgress = silent,
) -> SyncReport:
    """Make the gallery hold what its folder holds now.

    Files are known by size and time of change, else by content: a moved or copied file is not
    embedded again. Every batch is a commit, so that a sync which is cut short goes on where it
    stopped when it is run again.

    Args:
        engine: the engine's directory.
        source: where the pictures are now; None for where they were.
        verify: read every file, whatever its size and time say.
        dry_run: change nothing.
        device: where the encoder runs.
        data_home: where data sets are kept.
        limits: what one picture may cost from now on; None for what it was. Other limits try all
            files again that were skipped.
        on_progress: told how far each stage is.

    Raises:
        EngineError: there is no engine or no gallery, its pictures are gone altogether, or
            another process is changing it.
        StorageError: the disk is full or may not be written; what was committed stays.
    """
    layout = Layout(Path(engine))
    started = time.perf_counter()
    recover_engine(layout)
    manifest = read_manifest(layout.manifest)
    state = source_state(manifest.source if source is None else source)
    same_limits = limits is None or limits == limits_of(manifest)
    if source is None and not verify and same_limits and is_as_synced(layout, state):
        plan = SyncPlan(unchanged=manifest.counts.gallery, skipped=read_skipped(layout))
        seconds = time.perf_counter() - started
        return SyncReport(plan, frozenset(), manifest.counts.gallery, seconds, dry_run=dry_run)
    lock = contextlib.nullcontext() if dry_run else writing(layout, "lookalike sync")
    with lock:
        report = _sync(layout, source, verify, dry_run, device, data_home, limits, on_progress)
        if not dry_run:
            keep_state(layout, state if report.is_certain else None)
    return replace(report, seconds=time.perf_counter() - started)


def _sync(
    layout: Layout,
    source: str | Path | None,
    verify: bool,
    dry_run: bool,
    device: str,
    data_home: Path | None,
    limits: IntakeLimits | None,
    on_progress: OnProgress,
) -> SyncReport:
    from lookalike.engine.facade import open_engine
    from lookalike.engine.sync_job import SyncJob
    from lookalike.images.guarded import Intake

    opened = open_engine(layout.directory, device=device)
    own = limits_of(opened.manifest)
    collection = replace(_collection(opened, source, data_home), limits=limits or own)
    # Other limits may take what was skipped.
    skipped = read_skipped(layout) if collection.limits == own else {}
    plan = make_plan(opened.gallery, collection, skipped, verify=verify, on_progress=on_progress)
    _check_not_emptied(opened, collection, plan)
    if dry_run:
        return SyncReport(plan, frozenset(), len(opened.gallery), 0.0, dry_run=True)
    with Intake(collection.limits) as intake:
        job = SyncJob(opened, collection, plan, intake, on_progress)
        job.run()
        pictures = job.finish()
    return SyncReport(plan, frozenset(job.broken), pictures, 0.0, unread=job.unread)


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


def _collection(engine: Engine, source: str | Path | None, home: Path | None) -> Collection:
    """Return what the folder holds, if it can be believed.

    Raises:
        EngineError: it cannot.
    """
    directory, known = engine.layout.directory, engine.manifest.source
    if has_moved(known) and source is None:
        raise EngineError(
            f"{known} is not there: the {len(engine.gallery):,} pictures of {directory} are kept. "
            "Mount the disk, or name the folder's new place: `lookalike sync ENGINE FOLDER`"
        )
    if source is not None and not has_moved(known) and not is_same_source(source, known):
        raise EngineError(
            f"{directory} follows {known}, which is still there, and not {source}: "
            "sync without a folder, or make another engine for the other folder"
        )
    try:
        if source is None:
            return reopen_source(known, directory, home=home)
        return open_source(source, home=home)
    except CollectionError as error:
        raise EngineError(
            f"nothing is changed, the {len(engine.gallery):,} pictures of {directory} are kept: "
            f"{error}"
        ) from error
