"""What only a network with a decoder can do: turn latents into pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lookalike.encoder.pixels import batch_size, input_batches
from lookalike.errors import SettingsError
from lookalike.images.spec import ImageSpec
from lookalike.models import Autoencoder
from lookalike.types import OnProgress, Progress, silent

__all__ = ["Decoder", "Reconstructions"]


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
        model: the network, in evaluation mode on `device`.
        image: how pictures are prepared.
        device: where the network runs.
    """

    def __init__(self, model: Autoencoder, image: ImageSpec, device: torch.device) -> None:
        self.model = model
        self.image = image
        self.device = device
        self._mean = torch.tensor(image.mean, device=device).view(1, -1, 1, 1)
        self._std = torch.tensor(image.std, device=device).view(1, -1, 1, 1)

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return the pictures, uint8 (N, H, W, C), that bare latents (N, D) stand for.

        Raises:
            SettingsError: the latents are not D wide.
        """
        width = int(np.prod(self.model.latent_shape))
        if latents.ndim != 2 or latents.shape[1] != width:
            raise SettingsError(f"latents are {latents.shape}: wanted (N, {width}) to decode")
        pictures, size = [self._nothing()], batch_size(self.image)
        with torch.inference_mode():
            for start in range(0, len(latents), size):
                z = torch.from_numpy(latents[start : start + size]).to(self.device)
                rebuilt = self.model.decode(z.reshape(-1, *self.model.latent_shape))
                pictures.append(self._to_pixels(rebuilt.float()))
        return np.concatenate(pictures)

    def reconstruct(self, pixels: NDArray[np.uint8]) -> Reconstructions:
        """Encode and decode pictures, uint8 (N, H, W, C)."""
        pictures, errors = [self._nothing()], [np.zeros(0)]
        for rebuilt, error in self._rebuilt(pixels, np.arange(len(pixels))):
            pictures.append(self._to_pixels(rebuilt))
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
        for _, error in self._rebuilt(pixels, rows):
            errors.append(error)
            done += len(error)
            on_progress(Progress("rebuild", done, len(rows)))
        return np.concatenate(errors)

    def _rebuilt(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]
    ) -> Iterator[tuple[torch.Tensor, NDArray[np.float64]]]:
        """Give batches of reconstructions (B, C, H, W), still normalised, and their errors (B,)."""
        for batch in input_batches(pixels, rows, self.image, self.device):
            with torch.inference_mode():  # not around `yield`: it would hold for the caller too
                rebuilt = self.model(batch).float()
                error = ((rebuilt - batch) * self._std).double().square().mean(dim=(1, 2, 3))
            yield rebuilt, error.cpu().numpy()

    def _to_pixels(self, rebuilt: torch.Tensor) -> NDArray[np.uint8]:
        """Return decoded pictures (B, C, H, W) as uint8 (B, H, W, C)."""
        with torch.inference_mode():
            unit = (rebuilt * self._std + self._mean).clamp(0, 1)
            pixels = (unit * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        return np.asarray(pixels)

    def _nothing(self) -> NDArray[np.uint8]:
        channels, height, width = self.image.shape
        return np.zeros((0, height, width, channels), np.uint8)
