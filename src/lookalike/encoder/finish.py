"""From bare latents to embeddings: whitening, the parts' weights, mirror images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.encoder.outline import Outline
from lookalike.errors import SettingsError
from lookalike.parts import PartedWhitening, fit_parts, natural_balance
from lookalike.whitening import Whitening, fit_whitening

__all__ = ["Finish"]

# Rows are whitened in blocks: what lies between two steps must not grow with the gallery.
BLOCK = 8_192


class Finish:
    """What becomes of latents once the network has made them.

    Args:
        preset: the preset's name.
        outline: of the network.
        whitening: fitted on the gallery, or None for the bare latent.
        mirrors: a picture and its mirror image have one embedding, between those of the two, once
            the latents are whitened: bare ones have no direction between them.
        balance: how much the meaning counts once the latents are whitened; None leaves it to the
            number of pictures that the whitening is first fitted on. A whitening has its own.
    """

    def __init__(
        self,
        preset: str,
        outline: Outline,
        whitening: Whitening | PartedWhitening | None,
        mirrors: bool,
        balance: float | None,
    ) -> None:
        self.preset = preset
        self.outline = outline
        self.whitening = whitening
        self.mirrors = mirrors
        self.balance = whitening.balance if isinstance(whitening, PartedWhitening) else balance

    def whitened(
        self, latents: NDArray[np.float32], turned: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the embeddings of bare latents.

        Args:
            latents: float32 (N, D).
            turned: the same of the mirror images, as `turned_latents` gives them.
        """
        if self.whitening is None:
            return latents
        if not isinstance(self.whitening, PartedWhitening):
            return self.whitening.apply(latents)
        found = np.empty((len(latents), sum(self.widths)), np.float32)
        for start in range(0, len(latents), BLOCK):
            some = slice(start, start + BLOCK)
            found[some] = self.whitening.apply(latents[some])
            if turned is not None:
                found[some] = self.whitening.mean(found[some], self.whitening.apply(turned[some]))
        return found

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers in each part of the embedding."""
        if isinstance(self.whitening, PartedWhitening):
            return tuple(len(whitening.scale) for whitening in self.whitening.whitenings)
        if self.whitening is not None:
            return (len(self.whitening.scale),)
        return tuple(part.width for part in self.outline.parts) or (self.outline.width,)

    def balanced(self, queries: NDArray[np.float32], balance: float) -> NDArray[np.float32]:
        """Return queries (Q, D) whose inner products weigh the meaning by `balance`, 0 to 1.

        Raises:
            SettingsError: the embedding has no parts to weigh.
        """
        return self._parted.balanced(queries, balance)

    def rebalanced(self, embeddings: NDArray[np.float32], balance: float) -> NDArray[np.float32]:
        """Return embeddings (N, D) as if their parts had been weighed by `balance`, 0 to 1.

        Raises:
            SettingsError: the embedding has no parts to weigh.
        """
        return self._parted.rebalanced(embeddings, balance)

    @property
    def _parted(self) -> PartedWhitening:
        if not isinstance(self.whitening, PartedWhitening):
            raise SettingsError(
                f"preset {self.preset} has one latent, and nothing to balance: leave the balance "
                "out, or build with preset twin"
            )
        return self.whitening

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {} if self.whitening is None else self.whitening.arrays()

    def fit_whitening(self, latents: NDArray[np.float32]) -> None:
        """Fit the half-whitening on a gallery's bare latents, part by part if they have parts.

        The balance of the parts stays what it was where it is known.

        Args:
            latents: float32 (N, D), as `latents` gives them.
        """
        parts = self.outline.parts
        if parts:
            if self.balance is None:
                self.balance = natural_balance(len(latents), self.outline.balance_of_few)
            self.whitening = fit_parts(latents, parts, balance=self.balance)
        else:
            self.whitening = fit_whitening(latents)
