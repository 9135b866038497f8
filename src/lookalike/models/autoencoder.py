"""The two kinds of network: one that is trained here and decodes, one that comes trained.

Both have `encode`, `latent_shape` and `decodes`; nothing else in the library asks for more.
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from torch import Tensor, nn

from lookalike.parts import LatentPart

__all__ = ["Autoencoder", "Network", "PretrainedEncoder"]


class Autoencoder(nn.Module):
    """An encoder and the decoder that rebuilds the encoder's input from its latent.

    Attributes:
        encoder: (B, C, H, W) -> (B, *latent_shape).
        decoder: (B, *latent_shape) -> (B, C, H', W') with H' >= H and W' >= W.
        input_shape: (C, H, W).
        latent_shape: shape of one picture's latent, without the batch.
        flatten: values that enter the linear layer which makes the latent; None without one.
        parts: the parts of the latent that are whitened and weighed apart; empty for a latent that
            is one piece.
        mirrors: left and right mean nothing in the pictures it was trained on, so that a picture
            and its mirror image should have one embedding.
        balance_of_few: how much the meaning counts where it was learnt from few pictures; see
            `lookalike.parts.natural_balance`.
    """

    decodes: ClassVar[bool] = True
    parts: tuple[LatentPart, ...] = ()
    mirrors: bool = False
    balance_of_few: float = 0.5

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        input_shape: tuple[int, int, int],
        latent_shape: tuple[int, ...],
        flatten: int | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.input_shape = input_shape
        self.latent_shape = latent_shape
        self.flatten = flatten

    def encode(self, x: Tensor) -> Tensor:
        """Return the latents (B, *latent_shape) of inputs (B, C, H, W)."""
        latent: Tensor = self.encoder(x)
        return latent

    def decode(self, z: Tensor) -> Tensor:
        """Return the reconstructions (B, C, H, W) of latents (B, *latent_shape).

        Layers of stride 2 halve an odd size upwards, so a decoder can give a row or column too
        many: what goes beyond the input's size is cropped at the bottom and on the right.
        """
        _, height, width = self.input_shape
        whole: Tensor = self.decoder(z)
        return whole[:, :, :height, :width]

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstructions (B, C, H, W) of inputs (B, C, H, W)."""
        return self.decode(self.encode(x))


class PretrainedEncoder(nn.Module):
    """An encoder trained elsewhere, without a decoder.

    Attributes:
        network: (B, C, H, W) -> (B, *latent_shape).
        input_shape: (C, H, W).
        latent_shape: shape of one picture's latent, without the batch.
        flatten: always None; here so that both kinds of network can be described alike.
    """

    decodes: ClassVar[bool] = False
    parts: tuple[LatentPart, ...] = ()
    mirrors: bool = False
    balance_of_few: float = 0.5
    flatten: ClassVar[int | None] = None

    def __init__(
        self,
        network: nn.Module,
        *,
        input_shape: tuple[int, int, int],
        latent_shape: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.network = network
        self.input_shape = input_shape
        self.latent_shape = latent_shape

    def encode(self, x: Tensor) -> Tensor:
        """Return the latents (B, *latent_shape) of inputs (B, C, H, W)."""
        latent: Tensor = self.network(x)
        return latent

    def forward(self, x: Tensor) -> Tensor:
        """Return the latents (B, *latent_shape) of inputs (B, C, H, W)."""
        return self.encode(x)


Network: TypeAlias = Autoencoder | PretrainedEncoder
