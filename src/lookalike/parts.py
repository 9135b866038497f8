"""Latents made of parts, each whitened on its own and weighed against the others.

The embedding is the parts side by side, each of length √weight, so the inner product of two
embeddings is the weighted mean of the parts' cosines. A query can weigh them anew by scaling its
own parts: no gallery has to be embedded again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log10
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import SettingsError
from lookalike.whitening import Whitening, fit_whitening

__all__ = ["LatentPart", "PartedWhitening", "Role", "fit_parts", "natural_balance"]

Role = Literal["appearance", "meaning"]
# Pictures below and above which the balance between the two stays what it is.
FEW, MANY = 1_000, 10_000


@dataclass(frozen=True)
class LatentPart:
    """Some consecutive numbers of a latent.

    Attributes:
        name: of the part.
        width: how many numbers.
        role: what it is about: how a picture looks, or what it means.
        share: how much it counts among the parts of the same role; above 0.
        power: of its whitening: 0 only rotates, 0.5 half-whitens, 1 whitens.
    """

    name: str
    width: int
    role: Role
    share: float = 1.0
    power: float = 0.5

    def __post_init__(self) -> None:
        if self.width < 1 or not self.share > 0:
            raise SettingsError(f"latent part {self.name}: width and share must be above 0")


@dataclass(frozen=True)
class PartedWhitening:
    """A whitening for each part of a latent, and the parts' weights.

    Attributes:
        parts: in the order of the latent's numbers.
        whitenings: one a part.
        balance: weight of the meaning; the appearance has the rest.
    """

    parts: tuple[LatentPart, ...]
    whitenings: tuple[Whitening, ...]
    balance: float

    def __post_init__(self) -> None:
        widths = [len(whitening.mean) for whitening in self.whitenings]
        if widths != [part.width for part in self.parts]:
            raise SettingsError(f"whitenings of widths {widths} do not fit the latent's parts")
        if not 0 < self.balance < 1:
            raise SettingsError(f"balance is {self.balance}: wanted between 0 and 1")

    @property
    def weights(self) -> tuple[float, ...]:
        """The weight of each part in the similarity; they sum to 1."""
        return self._weights(self.balance)

    def apply(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return embeddings (N, E) of latents (N, D), of length 1 unless a part is at its mean.

        Raises:
            SettingsError: the latents are not D wide.
        """
        wanted = sum(part.width for part in self.parts)
        if latents.ndim != 2 or latents.shape[1] != wanted:
            raise SettingsError(f"latents are {latents.shape}: wanted (N, {wanted}) to whiten")
        whitened = []
        pieces = zip(self._pieces(latents), self.whitenings, self.weights, strict=True)
        for piece, whitening, weight in pieces:
            whitened.append(whitening.apply(piece) * np.float32(weight**0.5))
        return np.concatenate(whitened, axis=1)

    def mean(self, first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the directions between two sets of embeddings (N, E), part by part.

        Each part of the result has the length that `apply` gives it.
        """
        total = first + second
        start = 0
        for whitening, weight in zip(self.whitenings, self.weights, strict=True):
            piece = total[:, start : start + len(whitening.scale)]
            lengths = np.linalg.norm(piece, axis=1, keepdims=True)
            piece *= np.float32(weight**0.5) / np.where(lengths > 0, lengths, 1)
            start += len(whitening.scale)
        return total

    def balanced(self, queries: NDArray[np.float32], balance: float | None) -> NDArray[np.float32]:
        """Return queries whose inner products weigh the meaning by `balance`.

        With an embedding of the gallery, such a query has the product
        (1 - balance)·(cosine of the appearances) + balance·(cosine of the meanings).

        Args:
            queries: embeddings (Q, E).
            balance: from 0, looks like, to 1, means like; None leaves the queries alone.

        Raises:
            SettingsError: `balance` is out of range, or the queries are not E wide.
        """
        if balance is None:
            return queries
        _check_balance(balance)
        return self._scaled(queries, np.divide(self._weights(balance), self.weights))

    def rebalanced(self, embeddings: NDArray[np.float32], balance: float) -> NDArray[np.float32]:
        """Return what the embeddings would be had the parts been weighed by `balance`.

        Each part is multiplied by the square root of its factor in `balanced`, so that two
        embeddings rebalanced have the product, and therefore the lengths, cosine and distance,
        that one balanced and one as it was have: what compares pictures of the gallery with each
        other can be asked by any balance, at the price of a copy.

        Args:
            embeddings: (N, E).
            balance: from 0, looks like, to 1, means like.

        Raises:
            SettingsError: `balance` is out of range, or the embeddings are not E wide.
        """
        _check_balance(balance)
        return self._scaled(embeddings, np.sqrt(np.divide(self._weights(balance), self.weights)))

    def _scaled(
        self, embeddings: NDArray[np.float32], factors: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return embeddings with each part multiplied by its factor."""
        widths = [len(whitening.scale) for whitening in self.whitenings]
        if embeddings.ndim != 2 or embeddings.shape[1] != sum(widths):
            raise SettingsError(
                f"embeddings are {embeddings.shape}: wanted (N, {sum(widths)}) to balance"
            )
        return embeddings * np.repeat(factors, widths).astype(np.float32)

    def _weights(self, balance: float) -> tuple[float, ...]:
        of_role = {"appearance": 1 - balance, "meaning": balance}
        total = dict.fromkeys(of_role, 0.0)
        for part in self.parts:
            total[part.role] += part.share
        return tuple(of_role[part.role] * part.share / total[part.role] for part in self.parts)

    def _pieces(self, latents: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        start = 0
        for part in self.parts:
            yield latents[:, start : start + part.width]
            start += part.width

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all arrays, each under "PART.NAME"."""
        return {
            f"{part.name}.{name}": array
            for part, whitening in zip(self.parts, self.whitenings, strict=True)
            for name, array in whitening.arrays().items()
        }

    @classmethod
    def from_arrays(
        cls, arrays: dict[str, NDArray[Any]], parts: Sequence[LatentPart], balance: float
    ) -> PartedWhitening:
        """Return the whitening whose `arrays` these are.

        Raises:
            KeyError: an array is missing.
        """
        names = ("mean", "components", "scale")
        whitenings = tuple(
            Whitening(**{name: arrays[f"{part.name}.{name}"] for name in names}) for part in parts
        )
        return cls(tuple(parts), whitenings, balance)


def _check_balance(balance: float) -> None:
    if not 0 <= balance <= 1:
        raise SettingsError(f"balance is {balance}: wanted from 0 (looks like) to 1 (means like)")


def natural_balance(pictures: int, of_few: float, of_many: float = 0.5) -> float:
    """Return how much the meaning should count: less where it was learnt from few pictures.

    Measured on edited copies, without labels: docs/experiments.md.

    >>> [round(natural_balance(n, 0.3), 2) for n in (100, 1_000, 3_162, 10_000, 10**6)]
    [0.3, 0.3, 0.4, 0.5, 0.5]
    """
    grown = (log10(max(1, pictures)) - log10(FEW)) / (log10(MANY) - log10(FEW))
    return of_few + (of_many - of_few) * min(1.0, max(0.0, grown))


def fit_parts(
    latents: NDArray[np.float32],
    parts: Sequence[LatentPart],
    *,
    balance: float = 0.5,
) -> PartedWhitening:
    """Fit a whitening of each part on a gallery's latents.

    Args:
        latents: float32 (N, D), D the sum of the parts' widths.
        parts: of the latent, in its order.
        balance: weight of the meaning in the embedding.

    Raises:
        SettingsError: there are no latents, they are not finite or not D wide.
    """
    ends = np.cumsum([part.width for part in parts])
    if latents.ndim != 2 or latents.shape[1] != ends[-1]:
        raise SettingsError(f"latents are {latents.shape}: wanted (N, {ends[-1]})")
    whitenings = tuple(
        fit_whitening(latents[:, end - part.width : end], power=part.power)
        for part, end in zip(parts, ends, strict=True)
    )
    return PartedWhitening(tuple(parts), whitenings, balance)
