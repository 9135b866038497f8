"""A sync that has something to look at: what the folders hold, what is to be done, doing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lookalike.engine.comparing import make_plan
from lookalike.engine.drift import read_drift
from lookalike.engine.facade import Engine, open_engine
from lookalike.engine.folders import (
    away_folders,
    change_folders,
    join_folders,
    leave_out,
    without_first,
)
from lookalike.engine.limiting import limits_of
from lookalike.engine.manifest import Layout
from lookalike.engine.mounts import AWAY, without_mounts_away
from lookalike.engine.skipped import read_skipped
from lookalike.engine.sources import has_moved, is_same_source, open_source, reopen_source
from lookalike.engine.sync_job import SyncJob
from lookalike.engine.sync_plan import SyncPlan
from lookalike.engine.syncing import SyncReport
from lookalike.errors import CollectionError, EngineError
from lookalike.images import Collection, IntakeLimits
from lookalike.images.guarded import Intake
from lookalike.types import OnProgress

__all__ = ["Asked", "run_sync"]


@dataclass(frozen=True)
class Asked:
    """What a person asks of a sync; see `sync_engine`."""

    source: str | Path | None
    add: tuple[str | Path, ...]
    drop: tuple[str, ...]
    verify: bool
    dry_run: bool
    data_home: Path | None
    limits: IntakeLimits | None
    on_progress: OnProgress


def run_sync(layout: Layout, asked: Asked, device: str) -> SyncReport:
    """Compare and act, the lock being held; see `sync_engine`."""
    opened = open_engine(layout.directory, device=device)
    limits = asked.limits or limits_of(opened.manifest)
    collection = replace(_collection(opened, asked), limits=limits)
    collection, plan = _plan(opened, collection, asked)
    names = away_folders(collection, opened.manifest.mounts)
    away = tuple(one for one in collection.skipped if one.path in names)
    if asked.dry_run:
        return SyncReport(plan, frozenset(), len(opened.gallery), 0.0, dry_run=True, away=away)
    with Intake(limits) as intake:
        job = SyncJob(opened, collection, plan, intake, asked.on_progress)
        job.run()
        pictures = job.finish()
    drift = read_drift(opened) if plan.embeds else None
    broken = frozenset(job.broken)
    return SyncReport(plan, broken, pictures, 0.0, unread=job.unread, away=away, drift=drift)


def _plan(engine: Engine, collection: Collection, asked: Asked) -> tuple[Collection, SyncPlan]:
    """Compare; a folder that has nothing of what the gallery knows of it is not believed.

    Raises:
        EngineError: that is all there is, or the folder that a person named is such a one.
    """
    # Other limits may take what was skipped.
    same = collection.limits == limits_of(engine.manifest)
    known = read_skipped(engine.layout) if same else {}

    def compare() -> SyncPlan:
        return make_plan(
            engine.gallery,
            collection,
            known,
            dropped=asked.drop,
            verify=asked.verify,
            on_progress=asked.on_progress,
        )

    plan = compare()
    emptied = _emptied(engine, collection, plan, asked.drop)
    misnamed = "" in emptied and asked.source is not None
    nothing = len(plan.removed) == len(engine.gallery) > 0
    if nothing or misnamed or (emptied and not collection.folders):
        count = len(engine.gallery) if nothing else emptied[""]
        raise EngineError(
            f"nothing is changed: none of the {count:,} pictures that "
            f"{engine.layout.directory} knows of it is in {collection.source}. Mount the disk or "
            "name the right folder; if this is meant, make the gallery anew with `lookalike index`"
        )
    for name, count in emptied.items():
        try:
            reason = f"none of its {count:,} pictures is there now"
            collection = leave_out(collection, name, reason)
        except CollectionError:
            raise EngineError(
                f"nothing is changed: none of the {len(engine.gallery):,} pictures of "
                f"{engine.layout.directory} is in its folders now. Mount the disks, or say where "
                "the folders are: `lookalike sync ENGINE FOLDER`, or add (--add @name=FOLDER)"
            ) from None
    return collection, compare() if emptied else plan


def _emptied(
    engine: Engine, collection: Collection, plan: SyncPlan, dropped: Sequence[str]
) -> dict[str, int]:
    """Return the folders of which nothing is there any more, with how many pictures were known.

    Nothing but a picture that is in its own folder still, under any name, shows that a folder is
    the one it was: another disk may be in its place, and pictures may have been moved out of it.
    """
    of, gallery = collection.places.folder_of, engine.gallery
    gone_for_good = tuple(f"{name}/" for name in dropped)
    lost = [gallery.paths[place] for place in plan.removed]
    suspected = {of(path) for path in lost if not path.startswith(gone_for_good)}
    if not suspected:
        return {}
    here = {one.path for one in collection.pictures}
    known = Counter(of(path) for path in gallery.paths if not path.startswith(gone_for_good))
    believed = {of(path) for path in gallery.paths if path in here}
    for position, place in plan.moved:
        folder = of(gallery.paths[place])
        if folder == of(collection.pictures[position].path):
            believed.add(folder)
    return {name: known[name] for name in sorted(suspected - believed)}


def _collection(engine: Engine, asked: Asked) -> Collection:
    """Return what the folders hold, if it can be believed.

    Raises:
        EngineError: it cannot.
    """
    manifest, directory = engine.manifest, engine.layout.directory
    places = manifest.places
    if asked.source is not None:
        places = replace(places, root=Path(asked.source).expanduser().resolve())
    folders = change_folders(places, manifest.mounts, asked.add, asked.drop)
    try:
        try:
            found = join_folders(_first(engine, asked, folders), folders)
        except CollectionError as error:
            if not folders or asked.source is not None:
                raise
            found = without_first(manifest, folders, str(error))
        return without_mounts_away(found, manifest.mounts, asked.drop, engine.gallery.paths)
    except CollectionError as error:
        raise EngineError(
            f"nothing is changed, the {len(engine.gallery):,} pictures of {directory} are kept: "
            f"{error}"
        ) from error


def _first(engine: Engine, asked: Asked, folders: Mapping[str, Path]) -> Collection:
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
