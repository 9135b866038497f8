"""What only a network with a decoder can do: turn latents into pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.encoder.network import HeldNetwork
from lookalike.errors import SettingsError
from lookalike.types import OnProgress, Progress, silent

__all__ = ["Decoder", "Embedded", "Reconstructions"]


@dataclass(frozen=True)
class Embedded:
    """What an encoder makes of some pictures.

    Attributes:
        embeddings: float32 (N, D).
        errors: float64 (N,), of their reconstructions; None where they were not asked for.
    """

    embeddings: NDArray[np.float32]
    errors: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Reconstructions:
    """What the decoder makes of some pictures.

    Attributes:
        pixels: uint8 (N, H, W, C).
        errors: float64 (N,), mean squared error per value, of pixels scaled to [0, 1].
    """

    pixels: NDArray[np.uint8]
    errors: NDArray[np.float64]

    def __post_init__(self) -> None:
        if len(self.pixels) != len(self.errors):
            raise SettingsError(
                f"reconstructions do not match: {len(self.pixels)} pictures, "
                f"{len(self.errors)} errors"
            )


class Decoder:
    """The decoder of a trained network.

    Args:
        network: which has one.
    """

    def __init__(self, network: HeldNetwork) -> None:
        self._network = network
        self.image = network.image

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return the pictures, uint8 (N, H, W, C), that bare latents (N, D) stand for.

        Raises:
            SettingsError: the latents are not D wide.
        """
        width = self._network.outline.width
        if latents.ndim != 2 or latents.shape[1] != width:
            raise SettingsError(f"latents are {latents.shape}: wanted (N, {width}) to decode")
        runtime = self._network.runtime(len(latents))
        pictures = [self._nothing()]
        pictures += [_to_pixels(rebuilt) for rebuilt in runtime.decoded(latents)]
        return np.concatenate(pictures)

    def reconstruct(self, pixels: NDArray[np.uint8]) -> Reconstructions:
        """Encode and decode pictures, uint8 (N, H, W, C)."""
        pictures, errors = [self._nothing()], [np.zeros(0)]
        runtime = self._network.runtime(len(pixels))
        for rebuilt, error in runtime.rebuilt(pixels, np.arange(len(pixels))):
            pictures.append(_to_pixels(rebuilt))
            errors.append(error)
        return Reconstructions(np.concatenate(pictures), np.concatenate(errors))

    def errors(
        self,
        pixels: NDArray[np.uint8],
        rows: NDArray[np.int64],
        *,
        on_progress: OnProgress = silent,
    ) -> NDArray[np.float64]:
        """Return the errors (M,) that `reconstruct` gives of `rows` (M,), and no pictures."""
        errors = [np.zeros(0)]
        done = 0
        for _, error in self._network.runtime(len(rows)).rebuilt(pixels, rows):
            errors.append(error)
            done += len(error)
            on_progress(Progress("rebuild", done, len(rows)))
        return np.concatenate(errors)

    def _nothing(self) -> NDArray[np.uint8]:
        channels, height, width = self.image.shape
        return np.zeros((0, height, width, channels), np.uint8)


def _to_pixels(rebuilt: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return pictures of values scaled to [0, 1] as bytes."""
    return (rebuilt.clip(0, 1) * 255).round().astype(np.uint8)
