"""Groups of duplicates as they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.duplicate_groups import Copy, DuplicateGroup, Duplicates, check_kinds
from lookalike.engine.duplicates import find_duplicates
from lookalike.engine.thumbnails import file_thumbnail
from lookalike.errors import PictureError
from lookalike.serve.differing import LONGEST, differences, draw_difference
from lookalike.serve.errors import Refusal, without_paths
from lookalike.serve.facts import pictures_at
from lookalike.serve.finding import Finding
from lookalike.serve.found_schemas import CopyFacts, Group, Groups, KeptCopy
from lookalike.serve.originals import original
from lookalike.serve.state import Opened, State
from lookalike.types import OnProgress, check_metric

__all__ = ["difference", "duplicates_of", "groups_of"]


def duplicates_of(opened: Opened, kinds: str, at_least: float) -> Finding[Duplicates]:
    """Return how duplicates are found.

    Args:
        opened: the engine.
        kinds: of them, with commas between.
        at_least: probability from which a picture counts as an edited copy.

    Raises:
        SettingsError: a kind is unknown.
    """
    chosen = check_kinds([kind.strip() for kind in kinds.split(",") if kind.strip()])

    def find(on_progress: OnProgress) -> Duplicates:
        return find_duplicates(
            opened.engine,
            kinds=chosen,
            at_least=at_least,
            evidence=opened.evidence,
            on_progress=on_progress,
        )

    return Finding("duplicates", (chosen, at_least), Duplicates, find, _result)


def groups_of(state: State, opened: Opened, found: Duplicates, offset: int, limit: int) -> Groups:
    """Return some of the groups."""
    some = found.groups[offset : offset + limit]
    return Groups(
        total=len(found),
        offset=offset,
        pictures=found.pictures,
        copies={kind: found.count(kind) for kind in found.kinds},
        saves=found.saves,
        calibrated=found.calibrated,
        more_near=found.more_near,
        notes=[without_paths(note, state.roots) for note in found.notes],
        groups=[_group(opened, one) for one in some],
    )


def difference(opened: Opened, one: int, other: int) -> bytes:
    """Return a PNG of where two pictures, at these places, differ.

    Raises:
        Refusal: one of them is gone, and no decoded copy of it is kept.
    """
    return draw_difference(_seen(opened, one), _seen(opened, other))


def _result(found: Duplicates) -> Mapping[str, Any]:
    return {"groups": len(found), "others": found.others, "saves": found.saves}


def _group(opened: Opened, group: DuplicateGroup) -> Group:
    paths = [copy.path for copy in group.copies]
    by_path = opened.gallery.places_of(paths)
    places = np.array([by_path[path] for path in paths], np.int64)
    pictures = pictures_at(opened, places)
    facts = [
        {**picture.model_dump(), **_file(copy)}
        for picture, copy in zip(pictures, group.copies, strict=True)
    ]
    alike = _similarities(opened, places)
    return Group(
        rank=group.rank,
        kind=group.kind,
        reason=group.reason,
        saves=group.saves,
        kept=KeptCopy(**facts[0]),
        others=[
            CopyFacts(
                **fact,
                kind=copy.kind or group.kind,
                probability=copy.probability,
                similarity=score,
                differs=differences(group.kept, copy),
            )
            for fact, copy, score in zip(facts[1:], group.others, alike, strict=True)
        ],
    )


def _file(copy: Copy) -> dict[str, Any]:
    return {
        "file_size": copy.file_size if copy.file_size >= 0 else None,
        "modified": copy.modified.isoformat(timespec="seconds"),
        "format": copy.format,
        "taken": None if copy.taken is None else copy.taken.isoformat(),
        "sha256": copy.sha256,
    }


def _similarities(opened: Opened, places: NDArray[np.int64]) -> Sequence[float]:
    """Return the scores of all but the first, were the first searched with."""
    index = opened.engine.index(check_metric(opened.engine.manifest.metric))
    rows = opened.gallery.rows(places[:1])
    return [float(score) for score in index.score(rows, places[None, 1:])[0]]


def _seen(opened: Opened, place: int) -> NDArray[np.uint8]:
    file = original(opened, place)
    if file is not None:
        try:
            return file_thumbnail(opened.engine, file, LONGEST, enlarge=False)
        except PictureError:
            pass  # it went bad since it was indexed
    cache = opened.engine.cache
    row = None if cache is None else cache.position(opened.gallery.paths_at([place])[0])
    if cache is None or row is None:
        raise Refusal(410, "this picture is gone, and cannot be compared")
    return np.asarray(cache.pixels[row])
