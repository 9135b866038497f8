"""An engine in a few lines that one can read."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lookalike.engine import Engine
    from lookalike.images import Skipped

__all__ = ["summarise_engine", "summarise_skipped"]

# So many skipped files are seen at a glance.
FEW = 20


def summarise_engine(engine: Engine) -> list[str]:
    """Return what an engine holds and how it was made, a line each."""
    place = engine.layout.directory
    return [f"{place}", *(f"  {name:<9} {text}" for name, text in _lines(engine))]


def summarise_skipped(skipped: Sequence[Skipped]) -> list[str]:
    """Return how many files were skipped for which reason, where they are too many to count."""
    if len(skipped) <= FEW:
        return []
    # What a picture claims, or how large it is, is no reason of its own.
    reasons = Counter(re.sub(r"\d[\d.,×]*", "…", one.reason) for one in skipped)
    counts = [f"  {count:>6,}  {reason}" for reason, count in reasons.most_common()]
    return [f"{len(skipped):,} files, by reason:", *counts]


def _lines(engine: Engine) -> Iterator[tuple[str, str]]:
    from lookalike.engine.command import build_command

    manifest, counts = engine.manifest, engine.manifest.counts
    kept = f", {counts.queries:,} kept as queries" if counts.queries else ""
    skipped = f", {counts.skipped:,} skipped (--skipped lists them)" if counts.skipped else ""
    yield "pictures", f"{counts.gallery:,} to search{kept}{skipped}"
    yield "source", manifest.source
    for name, folder in manifest.folders.items():
        yield "and", f"{folder} as {name}"
    for name, reason in engine.away().items():
        yield "away", f"{'the source' if name == '.' else name}: {reason}"
    channels, height, width = engine.image.shape
    colour = "grey" if channels == 1 else "colour"
    yield "preset", f"{manifest.preset}, pictures at {height}×{width} in {colour}"
    yield "training", _training(engine)
    if manifest.retrained:
        times = "once" if manifest.retrained == 1 else f"{manifest.retrained} times"
        yield "since", f"retrained {times} on the pictures of the time"
    drift = engine.drift()
    if drift is not None:
        place = shlex.quote(str(engine.layout.directory))
        advice = (
            f"{drift.advice}: lookalike retrain {place}" if drift.advice else "no need to retrain"
        )
        yield "drift", f"{drift.new:,} new pictures since the training; {advice}"
    if manifest.limits:
        yield "limits", _limits(engine)
    yield "search", f"{manifest.k} hits by {manifest.metric}, unless asked otherwise"
    if engine.layout.gallery.exists():
        from lookalike.engine.footprint import footprint

        now = footprint(engine)
        yield from now.lines().items()
        if now.note is not None:
            yield "note", now.note
    page = engine.layout.reports / "report.html"
    if page.exists():
        yield "report", str(page)
    yield "made", f"{manifest.created} with Lookalike {manifest.versions.get('lookalike', '?')}"
    yield "by", build_command(manifest, engine.layout.directory)
    yield "more", f"lookalike info {shlex.quote(str(engine.layout.directory))} --all"


def _limits(engine: Engine) -> str:
    from lookalike.images.limits import say_bytes

    one = engine.limits
    return (
        f"a picture may have {one.max_pixels:,} pixels and {say_bytes(one.max_bytes)}, "
        f"take {one.seconds:g} s and {say_bytes(one.memory)} of memory"
    )


def _training(engine: Engine) -> str:
    history, counts = engine.history(), engine.manifest.counts
    if history is None:
        return "none, the encoder came trained"
    held = f", {counts.validation:,} held out" if counts.validation else ""
    loss = f"last loss {history.epochs[-1].train_loss:.4f}"
    time = f"{history.seconds:,.0f} s on {engine.manifest.settings.get('device', '?')}"
    return f"{len(history)} epochs on {counts.train:,} pictures{held}, {time}, {loss}"
