"""From what a person names to a collection of pictures: a path, or a named data set."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from lookalike.errors import CollectionError, EngineError
from lookalike.images import (
    DATASETS,
    Collection,
    IntakeLimits,
    find_pictures,
    load_dataset,
)
from lookalike.names import name_of_file
from lookalike.types import OnProgress, silent

__all__ = [
    "data_home",
    "default_output",
    "find_path",
    "has_moved",
    "is_same_source",
    "open_source",
    "reopen_source",
    "source_name",
]


def data_home() -> Path:
    """Return where data sets are kept unless another place is given."""
    return Path.home() / ".cache" / "lookalike"


def open_source(
    source: str | Path,
    *,
    home: Path | None = None,
    archive: Path | None = None,
    limits: IntakeLimits | None = None,
    on_progress: OnProgress = silent,
) -> Collection:
    """Find the pictures that `source` names.

    Args:
        source: a folder, a CSV or JSON-lines list, an IDX file, or the name of a data set; a path
            that exists wins over a data set of the same name.
        home: where data sets are kept, by default `data_home()`.
        archive: an archive of the named data set that is already at hand.
        limits: what one picture may cost.
        on_progress: told how far a fetch is.

    Raises:
        CollectionError: there is nothing of that name, or no picture in it.
        DatasetError: the data set cannot be had.
    """
    path = find_path(source)
    if path is not None and archive is None:
        return replace(find_pictures(path), limits=limits or IntakeLimits())
    if str(source) in DATASETS:
        return load_dataset(
            str(source), home or data_home(), archive=archive, on_progress=on_progress
        )
    if archive is not None:
        raise CollectionError(
            f"an archive goes with a named data set, got {source}: "
            f"wanted one of {', '.join(DATASETS)}"
        )
    raise CollectionError(
        f"no folder, list or data set {str(source)!r}: give a path, or one of {', '.join(DATASETS)}"
    )


def reopen_source(
    source: str,
    engine: Path,
    *,
    home: Path | None = None,
    archive: Path | None = None,
    otherwise: str = "",
    limits: IntakeLimits | None = None,
    on_progress: OnProgress = silent,
) -> Collection:
    """Find the pictures that an engine was made from; see `open_source`.

    Args:
        source: what the engine's manifest names.
        engine: the engine's directory.
        home: where data sets are kept, by default `data_home()`.
        archive: an archive of the named data set that is already at hand.
        otherwise: what else to do when they are gone, for the message.
        limits: what one picture may cost.
        on_progress: told how far a fetch is.

    Raises:
        EngineError: they are no longer there.
    """
    if has_moved(source):
        raise EngineError(
            f"the pictures this engine was made from are no longer at {source}: name the folder "
            f"with `lookalike index {shlex.quote(str(engine))} FOLDER`{otherwise}"
        )
    return open_source(source, home=home, archive=archive, limits=limits, on_progress=on_progress)


def has_moved(source: str) -> bool:
    """Whether `source`, which an engine was made from, is a path where nothing is any more."""
    return source not in DATASETS and find_path(source) is None


def is_same_source(source: str | Path, known: str) -> bool:
    """Whether `source` is what an engine was made from, `known` by its manifest."""
    return str(source) == known or Path(source).expanduser().resolve() == Path(known)


def find_path(name: str | Path) -> Path | None:
    """Return the path that `name` is, `~` replaced by the home; None where there is nothing."""
    try:
        path = Path(name).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError):  # too long a name, or nobody's home
        return None


def default_output(source: str | Path) -> Path:
    """Return the engine's directory for `source`: its name with `.lookalike`, here."""
    name = name_of_file(Path(source).expanduser().resolve().name)
    return Path(f"{name or 'pictures'}.lookalike")


def source_name(collection: Collection) -> str:
    """Return what names the collection from anywhere: a data set's name or an absolute path."""
    path = find_path(collection.source)
    return collection.source if path is None else str(path.resolve())
