"""What is known of a network without building it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from lookalike.errors import SettingsError
from lookalike.parts import LatentPart

if TYPE_CHECKING:
    from lookalike.models.autoencoder import Network

__all__ = ["Outline"]


@dataclass(frozen=True)
class Outline:
    """The facts of a network that searching needs; they are kept beside its weights.

    Attributes:
        latent_shape: shape of one picture's latent, without the batch.
        decodes: whether there is a decoder.
        parts: of the latent, whitened and weighed apart; none for a latent that is one piece.
        balance_of_few: how much the meaning counts where it was learnt from few pictures.
    """

    latent_shape: tuple[int, ...]
    decodes: bool
    parts: tuple[LatentPart, ...] = ()
    balance_of_few: float = 0.5

    def __post_init__(self) -> None:
        if self.parts and sum(part.width for part in self.parts) != self.width:
            raise SettingsError(f"the parts of a latent of {self.width} numbers do not fill it")

    @property
    def width(self) -> int:
        """Numbers in one latent."""
        return prod(self.latent_shape)

    @classmethod
    def of(cls, model: Network) -> Outline:
        """Return the outline of a network."""
        return cls(model.latent_shape, model.decodes, tuple(model.parts), model.balance_of_few)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {**asdict(self), "latent_shape": list(self.latent_shape)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Outline:
        """Return the outline that `as_dict` described.

        Raises:
            TypeError: a key is unknown or missing.
            SettingsError: the parts do not fill the latent.
        """
        parts = tuple(LatentPart(**part) for part in values["parts"])
        return cls(**{**values, "latent_shape": tuple(values["latent_shape"]), "parts": parts})
