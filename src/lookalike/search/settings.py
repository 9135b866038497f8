"""What a search may do beyond taking the nearest."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal, get_args

from lookalike.errors import SettingsError
from lookalike.types import Metric

__all__ = [
    "ALPHA",
    "COMBINES",
    "RERANKS",
    "Combine",
    "Rerank",
    "SearchSettings",
    "check_combine",
    "check_rerank",
]

Rerank = Literal["k-reciprocal", "diffusion", "spectral"]
RERANKS: tuple[Rerank, ...] = get_args(Rerank)
Combine = Literal["mean", "best"]
COMBINES: tuple[Combine, ...] = get_args(Combine)

# Alpha where none is given.
ALPHA = 3.0

# Metrics under which each re-ranking means something.
_METRICS: dict[str, tuple[Metric, ...]] = {
    "k-reciprocal": ("cosine", "euclidean"),
    "diffusion": ("cosine",),
    "spectral": ("cosine",),
}


def check_combine(name: str) -> Combine:
    """Return `name` as a way to combine examples.

    Raises:
        SettingsError: `name` is not one of `COMBINES`.
    """
    for combine in COMBINES:
        if name == combine:
            return combine
    raise SettingsError(f"unknown combine {name!r}: wanted one of {', '.join(COMBINES)}")


def check_rerank(name: str) -> Rerank:
    """Return `name` as a way to re-rank.

    Raises:
        SettingsError: `name` is not one of `RERANKS`.
    """
    for rerank in RERANKS:
        if name == rerank:
            return rerank
    raise SettingsError(f"unknown rerank {name!r}: wanted one of {', '.join(RERANKS)}")


@dataclass(frozen=True)
class SearchSettings:
    """What a search does beyond taking the nearest; the default does nothing.

    Attributes:
        expand: neighbours that are added to the query before the real search; 0 for none.
        alpha: each neighbour's weight is its similarity to this power; 0 averages, None is
            `ALPHA`. Only with `expand`.
        rerank: "k-reciprocal", "diffusion", "spectral" or None.
        depth: candidates that are put into a new order; None for the method's own. "spectral"
            orders the whole gallery and takes none.
        balance: from 0, looks like, to 1, means like; None for the engine's own. For encoders
            whose latent has both parts.
    """

    expand: int = 0
    alpha: float | None = None
    rerank: Rerank | None = None
    depth: int | None = None
    balance: float | None = None

    def __post_init__(self) -> None:
        if self.expand < 0:
            raise SettingsError(f"expand is {self.expand}: wanted 0 (none) or more")
        self._check_alpha()
        if self.balance is not None and not 0 <= self.balance <= 1:
            raise SettingsError(
                f"balance is {self.balance}: wanted from 0 (looks like) to 1 (means like)"
            )
        if self.rerank is not None:
            check_rerank(self.rerank)
        self._check_depth()

    def _check_alpha(self) -> None:
        if self.alpha is None:
            return
        if not (isfinite(self.alpha) and self.alpha >= 0):
            raise SettingsError(f"alpha is {self.alpha}: wanted 0 (average) or more")
        if not self.expand:
            raise SettingsError(
                f"alpha is {self.alpha:g} but no query is expanded: wanted expand (--expand) of "
                "1 or more with it; give one, or leave alpha out"
            )

    def _check_depth(self) -> None:
        if self.depth is None:
            return
        if self.depth < 1:
            raise SettingsError(f"depth is {self.depth}: wanted 1 or more")
        if self.rerank in (None, "spectral"):
            how = "spectral orders the whole gallery" if self.rerank else "nothing is re-ranked"
            raise SettingsError(
                f"depth is {self.depth} but {how}: wanted rerank (--rerank) k-reciprocal or "
                "diffusion with it; give one, or leave depth out"
            )

    @property
    def power(self) -> float:
        """The alpha that is used."""
        return ALPHA if self.alpha is None else self.alpha

    @property
    def plain(self) -> bool:
        """Whether the search just takes the nearest."""
        return not self.expand and self.rerank is None

    def choose_metric(self, asked: Metric | None, own: Metric) -> Metric:
        """Return the metric to search by: a plain search with a balance is one by inner product.

        Args:
            asked: what the person asked for, if anything.
            own: the engine's.
        """
        return asked or ("inner" if self.plain and self.balance is not None else own)

    def weighs_gallery(self, metric: Metric) -> bool:
        """Return whether the balance has to weigh the gallery's embeddings too.

        Inner products with the gallery need only the query weighed. Lengths, distances, and the
        similarities of the gallery's pictures with each other need both; see
        `lookalike.parts.PartedWhitening.rebalanced`.
        """
        return self.balance is not None and not (self.plain and metric == "inner")

    def check_metric(self, metric: Metric) -> None:
        """Make sure that the settings mean something under a metric.

        Raises:
            SettingsError: they do not.
        """
        if self.expand and metric == "euclidean" and self.power:
            raise SettingsError(
                "expanding by similarity needs the metric cosine or inner, got euclidean: "
                "search by cosine, or set alpha to 0"
            )
        if self.rerank is not None and metric not in _METRICS[self.rerank]:
            wanted = " or ".join(_METRICS[self.rerank])
            raise SettingsError(
                f"rerank {self.rerank} needs the metric {wanted}, got {metric}: search by cosine"
            )
