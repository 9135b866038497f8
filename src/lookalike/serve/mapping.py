"""The map as it is sent: points, pages, what they are called."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lookalike.engine.atlas import ACROSS, TILE, MapPages
from lookalike.engine.gallery_map import GalleryMap, fitting_map, map_sign
from lookalike.serve.errors import Refusal
from lookalike.serve.finding import keep, recall
from lookalike.serve.found_schemas import MapFacts
from lookalike.serve.jobs import Job
from lookalike.serve.state import Opened, State
from lookalike.types import OnProgress

__all__ = [
    "POINT",
    "NoMap",
    "SentMap",
    "follow_map",
    "is_behind",
    "map_facts",
    "sent_map",
    "start_map",
]

POINT = np.dtype(
    [("id", "<u4"), ("x", "<f4"), ("y", "<f4"), ("label", "<u2"), ("width", "u1"), ("height", "u1")]
)
"""One point of `/map/points`: 16 bytes."""

# What it is kept as, and the last try to make it.
_MAP = ("map",)
_TRIED = ("map", "tried")
# A map that could not be made is tried again by itself after so long; until then it is said why.
_AGAIN_SECONDS = 300.0
_NO_LABEL = 65_535
# Names of labels that are sent; pictures of all others count as having none.
_NAMED = 1_000


@dataclass(frozen=True, eq=False)
class SentMap:
    """The map of one state of an engine.

    Attributes:
        opened: that engine.
        map: where pictures stand.
    """

    opened: Opened
    map: GalleryMap

    @cached_property
    def pages(self) -> MapPages:
        """The pages of small pictures."""
        return self.opened.engine.map_pages(self.map)

    @cached_property
    def labels(self) -> list[str]:
        """The most frequent labels, the first of them the most frequent."""
        counts = Counter(one for one in self.opened.gallery.labels if one is not None)
        return [label for label, _ in counts.most_common(_NAMED)]

    @cached_property
    def points(self) -> bytes:
        """`POINT`s in the order of the tiles."""
        number = {label: at for at, label in enumerate(self.labels)}
        labels = self.opened.gallery.labels_at(self.map.rows)
        points = np.empty(len(self.map), POINT)
        points["id"] = self.map.ids
        points["x"], points["y"] = self.map.places.T
        points["label"] = [number.get(one or "", _NO_LABEL) for one in labels]
        points["width"], points["height"] = self.pages.sizes.T
        return points.tobytes()

    @cached_property
    def version(self) -> str:
        """Tells this map from all others."""
        digest = hashlib.sha256(repr(self.opened.key).encode())
        digest.update(self.points)
        return digest.hexdigest()[:16]


class NoMap(Refusal):
    """There is no map of the gallery as it is now."""

    def __init__(self) -> None:
        super().__init__(404, "there is no map yet: POST to /map, and follow the job")


def sent_map(state: State, opened: Opened) -> SentMap | None:
    """Return the map of an engine as it is now, from memory or from the engine's directory."""
    found = recall(state, opened, _MAP)
    if isinstance(found, SentMap):
        return found
    sign = map_sign(opened.engine)
    if sign is None or found == sign:  # looked at before, and it did not fit
        return None
    fitting = fitting_map(opened.engine)
    if fitting is None:
        keep(state, opened, _MAP, sign)
        return None
    return _keep(state, SentMap(opened, fitting))


def start_map(state: State, opened: Opened, *, anew: bool = False) -> Job:
    """Begin to make the map, or to bring it up to date."""

    def work(on_progress: OnProgress) -> Mapping[str, Any]:
        made = opened.engine.gallery_map(anew=anew, on_progress=on_progress)
        sent = SentMap(opened, made)
        sent.pages.make(on_progress=on_progress)
        _keep(state, sent)
        return {"count": len(made), "pages": len(sent.pages), "placed": made.placed}

    job = state.jobs.start("map", work)
    keep(state, opened, _TRIED, job.id)
    return job


def follow_map(state: State, opened: Opened) -> Job | None:
    """Bring a map up to date that was made before the gallery changed; None if there is no such.

    While a sync is under way, there is no use in following each of its steps: that job is
    returned, which does the same when it is done.
    """
    if not is_behind(state, opened):
        return None
    return state.jobs.working("sync") or start_map(state, opened)


def is_behind(state: State, opened: Opened) -> bool:
    """Whether there is a map, and it is of an earlier state of the gallery."""
    return sent_map(state, opened) is None and map_sign(opened.engine) is not None


def map_facts(state: State, opened: Opened) -> MapFacts:
    """Return what is said of the map; one of an earlier state of the gallery follows it."""
    job, error = state.jobs.working("map"), None
    sent = sent_map(state, opened)
    if sent is None and job is None:
        error = _failure(state, opened)
        job = follow_map(state, opened) if error is None else None
    if sent is None:
        return MapFacts(
            state="none" if job is None else "working",
            job=job.id if job is not None else None,
            error=error,
            count=0,
            version=None,
            bounds=None,
            pages=0,
            tile=TILE,
            across=ACROSS,
            labels=[],
        )
    return MapFacts(
        state="ready",
        job=job.id if job is not None else None,
        error=None,
        count=len(sent.map),
        version=sent.version,
        bounds=_bounds(sent.map),
        pages=len(sent.pages),
        tile=TILE,
        across=ACROSS,
        labels=sent.labels,
    )


def _failure(state: State, opened: Opened) -> str | None:
    """Return why the last try to map an engine as it is now ended early, for a while."""
    tried = recall(state, opened, _TRIED)
    job = next((job for job in state.jobs.all() if job.id == tried), None)
    if job is None or job.error is None or job.since > _AGAIN_SECONDS:
        return None
    return job.error["message"]


def _bounds(found: GalleryMap) -> tuple[float, float, float, float]:
    if not len(found):
        return 0.0, 0.0, 1.0, 1.0
    (left, top), (right, bottom) = found.places.min(axis=0), found.places.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def _keep(state: State, sent: SentMap) -> SentMap:
    _ = sent.version  # made here, in a thread that may take its time
    keep(state, sent.opened, _MAP, sent)
    return sent
