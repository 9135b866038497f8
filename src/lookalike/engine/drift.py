"""Drift: whether the pictures that come still look like those the encoder was trained on.

A picture's *familiarity* is the score of its nearest neighbour among the pictures of the training.
That of new pictures is compared with that of a sample of the old ones, each without itself, by the
chance that a new one is the less familiar of a pair, ties counting half (the area under the ROC
curve; Mann and Whitney, 1947): .5 where they are alike. Errors of reconstruction are compared in
the same way.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import SettingsError
from lookalike.storage import write_text
from lookalike.types import check_metric

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts

__all__ = ["Drift", "Familiarity", "begin_drift", "read_drift"]

# Old pictures that new ones are compared with, and new ones that are measured in one sync.
SAMPLE = 500
# Values kept of the newest pictures.
KEPT = 2_000
# Where fewer of the old pictures are left, those are measured anew.
LEFT = 0.5
# Retraining is advised from here on, and only where chance would seldom do it: benchmarks/drift.py.
DRIFTED = 0.6
FEWEST = 20


@dataclass(frozen=True)
class Drift:
    """How pictures that came after the training compare with those before.

    Attributes:
        new: how many came.
        known: how many were there.
        unfamiliar: the chance that a new one is less familiar than an old one; .5 if alike.
        rebuilt_worse: the chance that its reconstruction is worse; None without a decoder.
        uncertainty: twice the standard error of `unfamiliar`, were they alike.
    """

    new: int
    known: int
    unfamiliar: float
    rebuilt_worse: float | None
    uncertainty: float

    def __post_init__(self) -> None:
        if self.new < 1 or not 0 <= self.unfamiliar <= 1:
            raise SettingsError(f"a drift of {self.new} pictures, {self.unfamiliar}: no such thing")

    @property
    def has_drifted(self) -> bool:
        """Whether new pictures are clearly less familiar."""
        enough = self.new >= FEWEST and self.unfamiliar - 0.5 > self.uncertainty
        return enough and self.unfamiliar >= DRIFTED

    @property
    def advice(self) -> str | None:
        """What to tell a person; None where nothing has to be done."""
        if self.has_drifted:
            return (
                f"the {self.new:,} pictures since the training are less familiar than those before "
                f"(in {self.unfamiliar:.0%} of pairs; 50% if alike): retraining would help"
            )
        if self.new >= max(FEWEST, self.known):
            return (
                f"{self.new:,} pictures came since the training, which knew {self.known:,}: "
                "retraining may help"
            )
        return None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {**asdict(self), "has_drifted": self.has_drifted, "advice": self.advice}


def read_drift(engine: EngineParts) -> Drift | None:
    """Return how the pictures that came since the training compare; None where none came."""
    facts = _read(engine)
    if facts is None:
        return None
    old, new = facts["old"], facts["new"]
    count = len(new["similarity"])
    came = int((engine.gallery.ids >= facts["until"]).sum())  # and are there still
    if not (came and count and old["similarity"]):
        return None
    spread = math.sqrt((1 / count + 1 / len(old["similarity"])) / 12)
    errors = old["error"] and new["error"]
    return Drift(
        new=came,
        known=facts["known"],
        unfamiliar=chance_of_less(new["similarity"], old["similarity"]),
        rebuilt_worse=chance_of_less(old["error"], new["error"]) if errors else None,
        uncertainty=2 * spread,
    )


def chance_of_less(some: Sequence[float], others: Sequence[float]) -> float:
    """Return the chance that one of `some` is less than one of `others`, ties counting half.

    >>> chance_of_less([1, 2, 2], [2, 3])
    0.8333333333333334
    """
    ordered = np.sort(np.asarray(others, float))
    above = len(ordered) - np.searchsorted(ordered, some, side="right")
    ties = len(ordered) - np.searchsorted(ordered, some, side="left") - above
    return float((above + ties / 2).mean() / len(ordered))


def begin_drift(engine: EngineParts, until: int | None = None) -> dict[str, Any]:
    """Measure a sample of an engine's pictures, which later ones will be compared with.

    Args:
        engine: newly made, or from before this was kept; nothing has been added to it yet.
        until: ids from which on pictures came later; None where none has come.

    Returns:
        What was measured, as it is written.
    """
    gallery, index = engine.gallery, engine.index(check_metric(engine.manifest.metric))
    until = int(gallery.ids.max(initial=-1)) + 1 if until is None else until
    every = np.flatnonzero(gallery.ids < until)
    sample = every[:: max(1, math.ceil(len(every) / SAMPLE))]
    whole, similarity = len(every) == len(gallery), list[float]()
    if len(sample):
        scores = index.search(
            gallery.rows(sample), 1, exclude=sample, allowed=None if whole else every
        ).scores[:, 0]
        similarity = scores[np.isfinite(scores)].tolist()
    facts: dict[str, Any] = {
        "fingerprint": engine.manifest.fingerprint,
        "lineage": gallery.lineage,
        "known": len(every),
        "until": until,
        "old": {
            "similarity": similarity,
            "error": _errors_of_old(engine, sample),
        },
        "new": {"similarity": [], "error": []},
    }
    _write(engine, facts)
    return facts


class Familiarity:
    """Measures new pictures while they are indexed; call it before they are in the gallery.

    Args:
        engine: its gallery is that of before.
        coming: how many pictures will be shown; a sample of `SAMPLE` is spread over them.
    """

    def __init__(self, engine: EngineParts, coming: int) -> None:
        self.engine = engine
        self.step = max(1, math.ceil(coming / SAMPLE))
        self.seen = 0
        self.facts = _read(engine) or begin_drift(engine)
        until = self.facts["until"]
        places = np.flatnonzero(engine.gallery.ids < until)
        if len(places) < LEFT * self.facts["known"]:  # among fewer, all are less familiar
            self.facts = {**begin_drift(engine, until), "new": self.facts["new"]}
        self.any = bool(len(places))
        self.allowed = None if len(places) == len(engine.gallery) else places

    def _index(self) -> Any:  # noqa: ANN401 - an index of any kind
        return self.engine.index(check_metric(self.engine.manifest.metric))

    def see(self, pixels: NDArray[np.uint8], embeddings: NDArray[np.float32]) -> None:
        """Measure new pictures, a sample of all that come, and write that.

        Args:
            pixels: uint8 (N, H, W, C), as the encoder wants them.
            embeddings: float32 (N, D) of the same.
        """
        new = self.facts["new"]
        taken = np.arange(-self.seen % self.step, len(pixels), self.step)
        self.seen += len(pixels)
        if not (self.any and len(taken)):
            return
        found = self._index().search(embeddings[taken], 1, allowed=self.allowed)
        new["similarity"] = [*new["similarity"], *found.scores[:, 0].tolist()][-KEPT:]
        if self.engine.encoder.decodes:
            new["error"] = [*new["error"], *_errors(self.engine, pixels[taken])][-KEPT:]
        _write(self.engine, self.facts)


def _read(engine: EngineParts) -> dict[str, Any] | None:
    """Return what was measured with this encoder and gallery; None where nothing was."""
    try:
        facts: dict[str, Any] = json.loads(engine.layout.drift.read_text(encoding="utf-8"))
        same = facts["fingerprint"] == engine.manifest.fingerprint
        return facts if same and facts["lineage"] == engine.gallery.lineage else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(engine: EngineParts, facts: dict[str, Any]) -> None:
    write_text(engine.layout.drift, json.dumps(facts) + "\n")


def _errors_of_old(engine: EngineParts, sample: NDArray[np.int64]) -> list[float]:
    cache, paths = engine.cache, engine.gallery.paths
    if cache is None or not engine.encoder.decodes:
        return []
    rows = [row for place in sample if (row := cache.position(paths[place])) is not None]
    return _errors(engine, cache.pixels[np.array(rows, np.int64)]) if rows else []


def _errors(engine: EngineParts, pixels: NDArray[np.uint8]) -> list[float]:
    rows = np.arange(len(pixels))
    return [float(one) for one in engine.encoder.decoder.errors(pixels, rows)]
