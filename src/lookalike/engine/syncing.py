"""Sync: a gallery follows its folder, at the cost of what changed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.engine.exchange import recover_engine
from lookalike.engine.limiting import limits_of
from lookalike.engine.lock import writing
from lookalike.engine.manifest import Layout, read_manifest
from lookalike.engine.skipped import read_skipped
from lookalike.engine.sync_plan import SyncPlan
from lookalike.engine.synced import is_as_synced, keep_state, source_state
from lookalike.errors import SettingsError
from lookalike.types import OnProgress, silent

if TYPE_CHECKING:
    from lookalike.engine.drift import Drift
    from lookalike.images import IntakeLimits, Skipped

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
    drop = [str(name).rstrip("/") for name in drop]
    same_limits = limits is None or limits == limits_of(manifest)
    as_ever = source is None and same_limits and not (add or drop or verify)
    folders = {name: Path(place) for name, place in manifest.folders.items()}
    if add or drop:
        from lookalike.engine.folders import change_folders

        folders = change_folders(manifest.places, manifest.mounts, add, drop)
    state = source_state(manifest.source if source is None else source, folders)
    if as_ever and is_as_synced(layout, state):
        plan = SyncPlan(unchanged=manifest.counts.gallery, skipped=read_skipped(layout))
        seconds = time.perf_counter() - started
        return SyncReport(plan, frozenset(), manifest.counts.gallery, seconds, dry_run=dry_run)
    from lookalike.engine.sync_run import Asked, run_sync  # a sync of nothing new needs none of it

    asked = Asked(source, tuple(add), tuple(drop), verify, dry_run, data_home, limits, on_progress)
    lock = contextlib.nullcontext() if dry_run else writing(layout, "lookalike sync")
    with lock:
        report = run_sync(layout, asked, device)
        if not dry_run:
            keep_state(layout, state if report.is_certain else None)
    return replace(report, seconds=time.perf_counter() - started)


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
