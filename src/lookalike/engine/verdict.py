"""One plain sentence or two: what an engine is good at, what it is not, what would help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookalike.engine.baselines import PRETRAINED
from lookalike.engine.card import MEDIUM
from lookalike.errors import SettingsError
from lookalike.evaluation import CopiesRow
from lookalike.search import SearchSettings
from lookalike.types import check_metric

if TYPE_CHECKING:
    from lookalike.engine.card import Card
    from lookalike.engine.facade import Engine
    from lookalike.engine.measure import Evaluation

__all__ = ["Made", "sentence"]

GOOD, POOR = 0.95, 0.8
# Fewer pictures than this and more of them help; shorter trainings than this and longer ones do.
FEW_PICTURES = 1_000
# A baseline this much better is worth a word.
MARGIN = 0.01
# What a search may do beyond taking the nearest, where the engine's metric allows it.
SEARCHES = (
    ("expansion (--expand)", SearchSettings(expand=3)),
    ("re-ranking (--rerank k-reciprocal)", SearchSettings(rerank="k-reciprocal")),
)
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


@dataclass(frozen=True)
class Made:
    """How an engine was made: what would help depends on it.

    Attributes:
        preset: its name.
        metric: by which it searches.
        trained_on: pictures; 0 for an encoder that came trained.
        chosen: its preset was chosen by trying several.
    """

    preset: str
    metric: str
    trained_on: int
    chosen: bool = False

    @classmethod
    def of(cls, engine: Engine) -> Made:
        """Return how an engine was made."""
        manifest = engine.manifest
        chosen = engine.choice() is not None
        return cls(manifest.preset, manifest.metric, manifest.counts.train, chosen)


@dataclass(frozen=True)
class _Case:
    """What an advice is chosen by.

    Attributes:
        made: how the engine was made.
        better: baselines that find the same kind more often, in the order of the table.
        poor: edits whose copies it finds poorly.
    """

    made: Made
    better: tuple[str, ...]
    poor: tuple[str, ...]

    @property
    def knows_less(self) -> bool:
        """Whether a pretrained network is better and this engine is made without one."""
        return PRETRAINED in self.better and not self.made.preset.startswith(PRETRAINED)

    @property
    def learning(self) -> str:
        """The preset that learns from the pictures what one that came trained does not know."""
        return f"{PRETRAINED}-twin" if self.made.preset == PRETRAINED else "twin"


def sentence(card: Card, evaluation: Evaluation | None, made: Made) -> str:
    """Return what a person should know of an engine.

    Args:
        card: of the engine.
        evaluation: by labels, if there are any.
        made: how the engine was made.
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
    case = _Case(made, _better(evaluation, made), tuple(row.edit for row in poor))
    return f"{'. '.join([*parts, *_labels(evaluation)])}. What would help: {_advice(case)}."


def _labels(evaluation: Evaluation | None) -> list[str]:
    if evaluation is None:
        return ["How often hits are of the same kind is not known: the pictures carry no labels"]
    ours = evaluation.engine.p_at_10
    others = {row.name: row.metrics.p_at_10 for row in evaluation.rows[1:]}
    text = f"Of ten hits {10 * ours:.1f} share the label"
    if not others:
        return [text]
    best = max(others, key=lambda name: others[name])
    return [f"{text}, {10 * others[best]:.1f} with {best}, the best simple method"]


def _better(evaluation: Evaluation | None, made: Made) -> tuple[str, ...]:
    """Return the baselines that are better; the preset itself at another size is none."""
    if evaluation is None:
        return ()
    least = evaluation.engine.p_at_10 + MARGIN
    others = [row for row in evaluation.rows[1:] if row.name != made.preset]
    return tuple(row.name for row in others if row.metrics.p_at_10 > least)


def _advice(case: _Case) -> str:
    return next(advise(case) for holds, advise in ADVICE if holds(case))


def _searching(case: _Case) -> str:
    """Name what the engine's metric allows, and a longer training where there was one."""
    metric = check_metric(case.made.metric)
    ways = ["longer training"] if case.made.trained_on else []
    for words, settings in SEARCHES:
        try:
            settings.check_metric(metric)
        except SettingsError:
            continue
        ways.append(words)
    return ways[0] if len(ways) == 1 else f"{', '.join(ways[:-1])} or {ways[-1]}"


# The first that holds is given.
ADVICE: tuple[tuple[Callable[[_Case], bool], Callable[[_Case], str]], ...] = (
    (
        lambda case: case.knows_less and not case.made.chosen,
        lambda case: (
            "let the build choose (--choose): a pretrained network knows these kinds of things"
        ),
    ),
    (
        lambda case: case.knows_less,
        lambda case: (
            f"a pretrained network (--preset {PRETRAINED}), which knows these kinds of things"
        ),
    ),
    (
        lambda case: 0 < case.made.trained_on < FEW_PICTURES,
        lambda case: f"more pictures, {case.made.trained_on:,} are few to learn from",
    ),
    (
        lambda case: bool(case.better) and case.made.trained_on > 0,
        lambda case: f"longer training; {case.better[0]} alone is better",
    ),
    (
        lambda case: bool(case.better) and not case.made.chosen,
        lambda case: (
            f"a preset that learns from these pictures (--preset {case.learning}); "
            f"{case.better[0]} alone is better"
        ),
    ),
    (
        lambda case: "crop" in case.poor or "frame" in case.poor,
        lambda case: 'searching with the part that matters (--crop, "Search a part")',
    ),
    (lambda case: True, _searching),
)


def _poor(rows: Sequence[CopiesRow]) -> str:
    return _and([f"{VERBS[row.edit]} ({_percent(row.recall_at_1)})" for row in rows])


def _percent(share: float) -> str:
    """Return a share in percent; only all is 100 %."""
    return f"{min(share, 1.0 if share == 1 else 0.99):.0%}"


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
