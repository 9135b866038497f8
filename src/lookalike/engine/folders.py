"""The folders of an engine: the one it was made from, and further ones; their disks may be away."""

from __future__ import annotations

import os
from collections.abc import Collection as Collection_
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.engine.limiting import limits_of
from lookalike.engine.mounts import AWAY, why_away, without_mounts_away
from lookalike.engine.sources import find_path, has_moved, reopen_source
from lookalike.errors import CollectionError, EngineError
from lookalike.images import Collection, Picture, Skipped, find_pictures
from lookalike.images.places import MARK, Places
from lookalike.types import OnProgress, silent

if TYPE_CHECKING:
    from lookalike.engine.manifest import Manifest
    from lookalike.engine.parts import EngineParts
    from lookalike.images import IntakeLimits

__all__ = [
    "away_folders",
    "away_now",
    "change_folders",
    "folder_names",
    "join_folders",
    "leave_out",
    "reopen_folders",
    "without_first",
]


def change_folders(
    places: Places,
    mounts: Sequence[str] = (),
    add: Sequence[str | Path] = (),
    drop: Sequence[str] = (),
) -> dict[str, Path]:
    """Return an engine's further folders, by their names, as a person wants them.

    Args:
        places: the folders that it has.
        mounts: folders below in which another disk was mounted.
        add: folders, or `@name=folder`: under a name of its own, or where a known one is now.
        drop: names of folders.

    Raises:
        EngineError: one of them is not there, is not known, or is a part of another one.
    """
    folders, root = dict(places.folders), places.root
    for name in drop:
        if name not in folders and name not in mounts:
            names = ", ".join([*folders, *mounts]) or "those to add: there is none yet"
            raise EngineError(f"no further folder {name}: wanted one of {names}")
        folders.pop(name, None)
    for one in add:
        name, given = _named(one)
        path = find_path(given)
        if path is None or why_away(path):
            raise EngineError(f"no folder {given} to add: give a folder of pictures")
        path = path.resolve()
        name = name or Places(root, folders).free_name(path)
        if name not in folders and os.path.lexists(root / name):
            raise EngineError(f"{root} has a folder {name} itself: give another name, @name=FOLDER")
        folders[name] = path
    Places(root, folders)  # raises for a name that cannot be one
    if folders:
        _check_apart([root, *folders.values()])
    return folders


def _named(one: str | Path) -> tuple[str, str]:
    name, equals, place = str(one).partition("=")
    return (name, place) if equals and name.startswith(MARK) else ("", str(one))


def _check_apart(folders: Sequence[Path]) -> None:
    """Check that no folder is in another one.

    Raises:
        EngineError: one is.
    """
    for one, other in combinations(folders, 2):
        if one.is_relative_to(other) or other.is_relative_to(one):
            raise EngineError(
                f"{one} and {other} overlap: the same pictures would be in the gallery twice"
            )


def reopen_folders(
    manifest: Manifest,
    engine: Path,
    *,
    home: Path | None = None,
    archive: Path | None = None,
    otherwise: str = "",
    limits: IntakeLimits | None = None,
    known: Collection_[str] = (),
    on_progress: OnProgress = silent,
) -> Collection:
    """Find the pictures of all folders of an engine; see `reopen_source`.

    Args:
        manifest: of the engine.
        engine: its directory.
        home: where data sets are kept, by default `data_home()`.
        archive: an archive of the named data set that is already at hand.
        otherwise: what else to do when they are gone, for the message.
        limits: what one picture may cost; None for what the manifest says.
        known: paths of the gallery.
        on_progress: told how far a fetch is.

    Raises:
        EngineError: one of the folders, or a disk that was mounted in one, is not there.
    """
    first = reopen_source(
        manifest.source,
        engine,
        home=home,
        archive=archive,
        otherwise=otherwise,
        limits=limits or limits_of(manifest),
        on_progress=on_progress,
    )
    joined = join_folders(first, manifest.places.folders)
    joined = without_mounts_away(joined, manifest.mounts, (), known)
    for name, reason in away_folders(joined, manifest.mounts).items():
        raise EngineError(
            f"nothing is changed: {name}, {reason}. Mount the disk, or give the folder up by a "
            f"sync with drop (--drop {name}){otherwise}"
        )
    return joined


def away_folders(collection: Collection, mounts: Sequence[str]) -> dict[str, str]:
    """Return the folders of which nothing can be said, each with the reason; "." is the first."""
    whole = {".", *collection.folders, *mounts}
    return {one.path: one.reason for one in collection.skipped if one.path in whole}


def away_now(engine: EngineParts) -> dict[str, str]:
    """Return the folders of an engine that are away, by their names, each with the reason."""
    manifest = engine.manifest
    whole = {".", *manifest.folders, *manifest.mounts}
    away = {one.path: one.reason for one in engine.skipped() if one.path in whole}
    if has_moved(manifest.source):
        away.setdefault(".", AWAY)
    for name, folder in manifest.folders.items():
        if problem := why_away(Path(folder)):
            away.setdefault(name, problem)
    return away


def without_first(manifest: Manifest, folders: Mapping[str, Path], reason: str) -> Collection:
    """Return the pictures of the further folders of an engine; its own source is away.

    Args:
        manifest: of the engine.
        folders: the further ones, by their names.
        reason: why nothing can be said of the first.

    Raises:
        CollectionError: none of them holds a picture.
    """
    away = (Skipped(".", reason),)
    return _join(Path(manifest.root), manifest.source, (), away, folders)


def join_folders(first: Collection, folders: Mapping[str, Path]) -> Collection:
    """Return a collection with those of further folders; what is away is among the skipped.

    Raises:
        EngineError: `first` is no folder of picture files.
    """
    if not folders:
        return first
    if first.kind != "folder":
        raise EngineError(
            f"{first.source} is no folder of picture files: further folders go with such a one only"
        )
    joined = _join(first.root, first.source, first.pictures, first.skipped, folders)
    return replace(joined, limits=first.limits)


def _join(
    root: Path,
    source: str,
    pictures: Sequence[Picture],
    skipped: Sequence[Skipped],
    folders: Mapping[str, Path],
) -> Collection:
    # A folder of the first one that has the name of a further one would have its paths.
    hidden = tuple(f"{name}/" for name in folders)
    found = [picture for picture in pictures if not picture.path.startswith(hidden)]
    left_out = list(skipped)
    for name, place in folders.items():
        try:
            if problem := why_away(place):
                raise CollectionError(problem)
            further = find_pictures(place)
            if further.kind != "folder":
                raise CollectionError("it holds IDX files, not picture files")
        except CollectionError as error:
            left_out.append(Skipped(name, str(error)))
            continue
        found += [replace(one, path=f"{name}/{one.path}") for one in further.pictures]
        for one in further.skipped:
            path = name if one.path == "." else f"{name}/{one.path}"
            left_out.append(replace(one, path=path))
    return Collection(root, source, "folder", tuple(found), tuple(left_out), folders=folders)


def folder_names(collection: Collection) -> dict[str, str]:
    """Return the further folders of a collection as a manifest names them."""
    return {name: str(place) for name, place in collection.folders.items()}


def leave_out(collection: Collection, name: str, reason: str) -> Collection:
    """Return a collection without one of its folders ("" for the first), which is not believed.

    Raises:
        CollectionError: there is no other.
    """
    places = collection.places
    return replace(
        collection,
        pictures=tuple(one for one in collection.pictures if places.folder_of(one.path) != name),
        skipped=(*collection.skipped, Skipped(name or ".", reason)),
    )
