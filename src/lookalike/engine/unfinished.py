"""A training that was interrupted: what is kept of it, and how to go on."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lookalike.engine.manifest import Layout
from lookalike.errors import EngineError, TrainingError, TrainingStopped
from lookalike.storage import write_text

__all__ = [
    "Plan",
    "Unfinished",
    "check_pictures",
    "check_settings",
    "describe_pictures",
    "discard_if_empty",
    "find_unfinished",
    "keep_plan",
    "leaving_what_is_worth_it",
    "refuse_to_discard",
]

# As many differences are named: more no one reads.
NAMED = 3


@dataclass(frozen=True)
class Plan:
    """What a training is to be.

    Attributes:
        used: settings that decide the weights, the most telling first.
        chosen: those that a person chose.
        epochs: how many are to be trained; 0 while not known.
        pictures: how many there are, and a digest of them; empty while not known.
        start: fingerprint of the encoder whose weights it goes on from; empty for new weights.
    """

    used: dict[str, Any]
    chosen: dict[str, Any]
    epochs: int = 0
    pictures: str = ""
    start: str = ""


def describe_pictures(sha256: Sequence[str]) -> str:
    """Return what tells a set of pictures from another one."""
    return f"{len(sha256):,} {hashlib.sha256(' '.join(sha256).encode()).hexdigest()}"


@dataclass(frozen=True)
class Unfinished:
    """A training that can go on.

    Attributes:
        directory: where it is kept.
        epoch: the last epoch that is kept.
        plan: what the training was to be; None where that cannot be read.
    """

    directory: Path
    epoch: int
    plan: Plan | None

    def __str__(self) -> str:
        epochs = f" of {self.plan.epochs}" if self.plan else ""
        return (
            f"an interrupted training (epoch {self.epoch}{epochs}) is kept in {self.directory}: "
            "go on with resume (--resume), or start over with overwrite (--overwrite)"
        )


def keep_plan(layout: Layout, plan: Plan) -> None:
    """Write beside the checkpoint what the training is to be."""
    write_text(layout.plan, json.dumps(asdict(plan), indent=2) + "\n")


def find_unfinished(layout: Layout) -> Unfinished | None:
    """Return the training that was interrupted in `layout`; None where there is none."""
    state = _read(layout.checkpoint / "checkpoint.json")
    if state is None or not isinstance(state.get("epoch"), int):
        return None
    values = _read(layout.plan) or {}
    known = values.keys() == {field.name for field in fields(Plan)}
    return Unfinished(layout.directory, state["epoch"], Plan(**values) if known else None)


def refuse_to_discard(layout: Layout) -> None:
    """Raise where a new training would discard an interrupted one.

    Raises:
        EngineError: there is an interrupted training.
    """
    unfinished = find_unfinished(layout)
    if unfinished is not None:
        raise EngineError(str(unfinished))


def check_settings(layout: Layout, plan: Plan) -> None:
    """Raise where a training is to go on with other settings than it was begun with.

    Raises:
        TrainingError: it names at most three settings, of those that a person chose.
    """
    unfinished = find_unfinished(layout)
    if unfinished is None or unfinished.plan is None:
        return
    before = unfinished.plan
    if before.start != plan.start:
        begun = "an engine's weights (retrain)" if before.start else "new weights (build)"
        raise TrainingError(
            f"the interrupted training in {layout.directory} was begun from {begun}: go on with "
            "that, or start over with overwrite (--overwrite) instead of resume"
        )
    changes = [
        f"{name.replace('_', ' ')} {before.used.get(name)} (now {value})"
        for name, value in plan.used.items()
        if value != before.used.get(name) and plan.chosen.get(name) != before.chosen.get(name)
    ]
    if changes:
        more = f" and {len(changes) - NAMED} more" if len(changes) > NAMED else ""
        raise TrainingError(
            f"the interrupted training in {layout.directory} was begun with "
            f"{', '.join(changes[:NAMED])}{more}: go on with the same, "
            "or start over with overwrite (--overwrite) instead of resume"
        )


def check_pictures(layout: Layout, plan: Plan) -> None:
    """Raise where a training is to go on with other pictures than it was begun with.

    Raises:
        TrainingError: they have changed.
    """
    unfinished = find_unfinished(layout)
    if unfinished is None or unfinished.plan is None:
        return
    if unfinished.plan.pictures != plan.pictures:
        before, now = (one.pictures.split()[0] for one in (unfinished.plan, plan))
        raise TrainingError(
            f"the pictures have changed since the training in {layout.directory} was interrupted "
            f"({before} then, {now} now): bring the same ones back, "
            "or start over with overwrite (--overwrite) instead of resume"
        )


def discard_if_empty(layout: Layout) -> bool:
    """Delete `layout` if it holds nothing worth keeping; return whether it did."""
    decoded = layout.cache.is_dir() and any(layout.cache.iterdir())
    if decoded or layout.encoder.exists() or find_unfinished(layout) is not None:
        return False
    shutil.rmtree(layout.directory, ignore_errors=True)
    return True


def _read(path: Path) -> dict[str, Any] | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # what cannot be read cannot be gone on with
        return None
    return values if isinstance(values, dict) else None


@contextmanager
def leaving_what_is_worth_it(work: Layout) -> Iterator[None]:
    """Keep what a failed or stopped build has finished; keep no directory where that is nothing."""
    try:
        yield
    except KeyboardInterrupt:
        if discard_if_empty(work):
            raise TrainingStopped("stopped before anything was finished: build it again") from None
        raise TrainingStopped(
            f"stopped; what was finished is kept in {work.directory}: "
            "run the same again with resume (--resume) to go on"
        ) from None
    except BaseException:
        discard_if_empty(work)
        raise
