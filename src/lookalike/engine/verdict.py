"""One plain sentence or two: what an engine is good at, what it is not, what would help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lookalike.engine.card import MEDIUM
from lookalike.evaluation import CopiesRow

if TYPE_CHECKING:
    from lookalike.engine.card import Card
    from lookalike.engine.measure import Evaluation

__all__ = ["sentence"]

GOOD, POOR = 0.95, 0.8
# Fewer pictures than this and more of them help; shorter trainings than this and longer ones do.
FEW_PICTURES = 1_000
# A baseline this much better is worth a word.
MARGIN = 0.01
VERBS = {
    "crop": "cropped",
    "rotate": "rotated",
    "recompress": "recompressed",
    "blur": "blurred",
    "recolour": "recoloured",
    "mirror": "mirrored",
    "frame": "framed",
    "overprint": "overprinted",
}


def sentence(card: Card, evaluation: Evaluation | None, *, trained_on: int) -> str:
    """Return what a person should know of an engine.

    Args:
        card: of the engine.
        evaluation: by labels, if there are any.
        trained_on: pictures; 0 for an encoder that came trained.
    """
    rows = [card.copies.row(edit, MEDIUM) for edit in card.copies.edits]
    mean = card.copies.mean(MEDIUM).recall_at_1
    good = [VERBS[row.edit] for row in rows if row.recall_at_1 >= GOOD]
    poor = sorted((row for row in rows if row.recall_at_1 < POOR), key=lambda row: row.recall_at_1)
    parts = [f"Finds {_percent(mean)} of medium edited copies first"]
    if good and poor:
        parts[0] += f": good at copies that are {_and(good)}, poor at {_poor(poor)}"
    elif poor:
        parts[0] += f": poor at {_poor(poor)}"
    else:
        parts[0] += ", whatever was done to them" if len(good) == len(rows) else ""
    return ". ".join([*parts, *_labels(evaluation), _advice(poor, evaluation, trained_on)]) + "."


def _labels(evaluation: Evaluation | None) -> list[str]:
    if evaluation is None:
        return ["How often hits are of the same kind is not known: the pictures carry no labels"]
    ours = evaluation.engine.p_at_10
    others = {row.name: row.metrics.p_at_10 for row in evaluation.rows[1:]}
    text = f"Of ten hits {10 * ours:.1f} share the label"
    if not others:
        return [text]
    best = max(others, key=lambda name: others[name])
    return [f"{text}, {10 * others[best]:.1f} with {best}, the best baseline"]


def _advice(poor: Sequence[CopiesRow], evaluation: Evaluation | None, trained_on: int) -> str:
    rows = evaluation.rows if evaluation else ()
    better = [
        row.name for row in rows[1:] if row.metrics.p_at_10 > rows[0].metrics.p_at_10 + MARGIN
    ]
    if any("efficientnet" in name for name in better):
        return (
            "What would help: let the build choose (--choose): a pretrained network "
            "knows these kinds of things"
        )
    if trained_on and trained_on < FEW_PICTURES:
        return f"What would help: more pictures, {trained_on:,} are few to learn from"
    if better:
        return f"What would help: longer training; {better[0]} alone is better"
    if any(row.edit in ("crop", "frame") for row in poor):
        return "What would help: searching with the part that matters (--crop)"
    return "What would help: longer training, or expansion (--expand) and re-ranking (--rerank)"


def _poor(rows: Sequence[CopiesRow]) -> str:
    return _and([f"{VERBS[row.edit]} ({_percent(row.recall_at_1)})" for row in rows])


def _percent(share: float) -> str:
    """Return a share in percent; only all is 100 %."""
    return f"{min(share, 1.0 if share == 1 else 0.99):.0%}"


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
