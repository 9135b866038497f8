"""Running a network by torch: on a GPU, and wherever there is no ONNX file."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lookalike.encoder.pixels import batch_size, input_batches
from lookalike.images.spec import ImageSpec
from lookalike.models.autoencoder import Autoencoder, Network

__all__ = ["TorchRuntime"]


class TorchRuntime:
    """A network run by torch; see `Runtime`.

    Args:
        model: the network, in evaluation mode on `device`.
        image: how pictures are prepared.
        device: where the network runs.
        bfloat16: multiply in it; embeddings then agree to about two decimals only.
    """

    def __init__(
        self,
        model: Network,
        image: ImageSpec,
        device: torch.device,
        *,
        bfloat16: bool = False,
    ) -> None:
        self.model = model
        self._bfloat16 = bfloat16
        if device.type == "cuda":  # a GPU's convolutions run faster so
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.image = image
        self.device = device
        self._mean = torch.tensor(image.mean, device=device).view(1, -1, 1, 1)
        self._std = torch.tensor(image.std, device=device).view(1, -1, 1, 1)

    def latents(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]
    ) -> Iterator[NDArray[np.float32]]:
        """Give the bare latents (B, D) of pictures, in the order of `rows`."""
        before: Tensor | None = None
        for batch in input_batches(pixels, rows, self.image, self.device):
            found = self._encode(batch)
            # One batch late: a GPU computes the next one while this one is waited for.
            if before is not None:
                yield before.cpu().numpy()
            before = found
        if before is not None:
            yield before.cpu().numpy()

    def _encode(self, batch: Tensor) -> Tensor:
        """Return the latents (B, D) of inputs (B, C, H, W), float32, where the network is."""
        precision = torch.autocast(batch.device.type, torch.bfloat16, enabled=self._bfloat16)
        with torch.inference_mode(), precision:
            return self.model.encode(batch).flatten(1).float()

    def rebuilt(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float64]]]:
        """Give reconstructions (B, H, W, C) and their errors (B,)."""
        for batch in input_batches(pixels, rows, self.image, self.device):
            with torch.inference_mode():
                rebuilt = self.model(batch).float()
                error = ((rebuilt - batch) * self._std).double().square().mean(dim=(1, 2, 3))
                found = self._unit(rebuilt), error.cpu().numpy()
            yield found

    def decoded(self, latents: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Give the pictures (B, H, W, C) that bare latents (N, D) stand for."""
        assert isinstance(self.model, Autoencoder)
        size = batch_size(self.image)
        for start in range(0, len(latents), size):
            with torch.inference_mode():
                z = torch.from_numpy(latents[start : start + size]).to(self.device)
                rebuilt = self.model.decode(z.reshape(-1, *self.model.latent_shape))
                found = self._unit(rebuilt.float())
            yield found

    def _unit(self, rebuilt: Tensor) -> NDArray[np.float32]:
        """Return pictures (B, C, H, W), normalised, as (B, H, W, C) of values scaled to [0, 1]."""
        unit = rebuilt * self._std + self._mean
        return np.asarray(unit.permute(0, 2, 3, 1).cpu().numpy())
