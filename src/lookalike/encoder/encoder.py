"""A trained encoder: pictures in, embeddings out."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lookalike.encoder.decoder import Decoder, Reconstructions
from lookalike.encoder.files import read_encoder, write_encoder
from lookalike.encoder.pixels import check_pixels, input_batches
from lookalike.errors import SettingsError
from lookalike.images.spec import ImageSpec
from lookalike.models import Autoencoder
from lookalike.models.autoencoder import Network
from lookalike.parts import PartedWhitening, fit_parts, natural_balance
from lookalike.training import resolve_device
from lookalike.types import OnProgress, Progress, silent
from lookalike.whitening import Whitening, fit_whitening

__all__ = ["Encoder", "load_encoder"]


class Encoder:
    """A network and what goes with it: how pictures are prepared, how latents are whitened.

    Args:
        model: the network, with `encode(x)` and, where `decodes` is true, `decode(z)`.
        preset: the preset's name.
        image: how pictures are prepared; pixels of this shape go in.
        latent: latent width asked for, None for the preset's own.
        whitening: fitted on the gallery, or None for the bare latent.
        mirrors: a picture and its mirror image have one embedding, between those of the two, once
            the latents are whitened: bare ones have no direction between them.
        balance: how much the meaning counts once the latents are whitened; None leaves it to the
            number of pictures that the whitening is first fitted on. A whitening has its own.
        device: where the network runs: "auto", "cpu", "cuda", "cuda:1" or "mps".
    """

    def __init__(
        self,
        model: Network,
        preset: str,
        image: ImageSpec,
        *,
        latent: int | None = None,
        whitening: Whitening | PartedWhitening | None = None,
        mirrors: bool = False,
        balance: float | None = None,
        device: str = "auto",
    ) -> None:
        self.device = resolve_device(device)
        self.model: Network = model.to(self.device).eval()
        self.preset = preset
        self.image = image
        self.latent = latent
        self.whitening = whitening
        self.mirrors = mirrors
        self.balance = whitening.balance if isinstance(whitening, PartedWhitening) else balance

    @property
    def decodes(self) -> bool:
        """Whether the network has a decoder."""
        return isinstance(self.model, Autoencoder)

    def latents(
        self,
        pixels: NDArray[np.uint8],
        rows: NDArray[np.int64] | None = None,
        *,
        on_progress: OnProgress = silent,
    ) -> NDArray[np.float32]:
        """Return the bare latents of pictures, flattened.

        Args:
            pixels: uint8 (N, H, W, C), as `self.image` says; may be a memory map.
            rows: positions (M,) of the pictures to take; None for all N.
            on_progress: told how many pictures are done.

        Returns:
            float32 (M, D).
        """
        check_pixels(pixels, self.image)
        rows = np.arange(len(pixels)) if rows is None else rows
        parts: list[NDArray[np.float32]] = []
        done = 0
        with torch.inference_mode():
            for batch in input_batches(pixels, rows, self.image, self.device):
                parts.append(self.model.encode(batch).flatten(1).float().cpu().numpy())
                done += len(batch)
                on_progress(Progress("embed", done, len(rows)))
        if not parts:
            return np.zeros((0, int(np.prod(self.model.latent_shape))), np.float32)
        return np.concatenate(parts)

    def embed(
        self,
        pixels: NDArray[np.uint8],
        rows: NDArray[np.int64] | None = None,
        *,
        on_progress: OnProgress = silent,
    ) -> NDArray[np.float32]:
        """Return the embeddings of pictures: latents, whitened if this encoder whitens.

        Args:
            pixels: uint8 (N, H, W, C), as `self.image` says; may be a memory map.
            rows: positions (M,) of the pictures to take; None for all N.
            on_progress: told how many pictures are done.

        Returns:
            float32 (M, D).
        """
        latents = self.latents(pixels, rows, on_progress=on_progress)
        return self.finish(latents, pixels, rows, on_progress=on_progress)

    def finish(
        self,
        latents: NDArray[np.float32],
        pixels: NDArray[np.uint8],
        rows: NDArray[np.int64] | None = None,
        *,
        on_progress: OnProgress = silent,
    ) -> NDArray[np.float32]:
        """Return what `embed` gives for pictures whose bare latents (M, D) are known."""
        turned = self.turned_latents(pixels, rows, on_progress=on_progress)
        return self.whitened(latents, turned)

    def turned_latents(
        self,
        pixels: NDArray[np.uint8],
        rows: NDArray[np.int64] | None = None,
        *,
        on_progress: OnProgress = silent,
    ) -> NDArray[np.float32] | None:
        """Return the bare latents (M, D) of mirror images; None where they do not count."""
        if not self.mirrors or not isinstance(self.whitening, PartedWhitening):
            return None
        return self.latents(pixels[:, :, ::-1], rows, on_progress=on_progress)

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
        embeddings = self.whitening.apply(latents)
        if turned is None or not isinstance(self.whitening, PartedWhitening):
            return embeddings
        return self.whitening.mean(embeddings, self.whitening.apply(turned))

    @property
    def decoder(self) -> Decoder:
        """The network's decoder.

        Raises:
            SettingsError: it has none.
        """
        if not isinstance(self.model, Autoencoder):
            raise SettingsError(
                f"preset {self.preset} has no decoder, so it makes no pictures: "
                "build with another preset, such as twin"
            )
        return Decoder(self.model, self.image, self.device)

    def reconstruct(self, pixels: NDArray[np.uint8]) -> Reconstructions:
        """Encode and decode pictures.

        Args:
            pixels: uint8 (N, H, W, C), as `self.image` says.

        Raises:
            SettingsError: the network has no decoder.
        """
        return self.decoder.reconstruct(pixels)

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return the pictures that the decoder makes of bare latents, as `latents` gives them.

        Args:
            latents: float32 (N, D).

        Returns:
            uint8 (N, H, W, C).

        Raises:
            SettingsError: the network has no decoder, or the latents are not D wide.
        """
        return self.decoder.decode(latents)

    def config(self) -> dict[str, Any]:
        """Return what `config.json` holds, but for the format's own fields."""
        config: dict[str, Any] = {
            "preset": self.preset,
            "latent": self.latent,
            "image": self.image.as_dict(),
        }
        whitening = self.whitening
        balance = whitening.balance if isinstance(whitening, PartedWhitening) else self.balance
        if balance is not None:
            config["balance"] = balance
        if self.mirrors:
            config["mirrors"] = True
        return config

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the settings, the weights and the whitening.

        Two encoders of one fingerprint give the same embeddings.
        """
        digest = hashlib.sha256(json.dumps(self.config(), sort_keys=True).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        for name, array in sorted(self._arrays().items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers in each part of the embedding."""
        if isinstance(self.whitening, PartedWhitening):
            return tuple(len(whitening.scale) for whitening in self.whitening.whitenings)
        if self.whitening is not None:
            return (len(self.whitening.scale),)
        return tuple(part.width for part in self.model.parts) or (
            int(np.prod(self.model.latent_shape)),
        )

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
        if self.model.parts:
            if self.balance is None:
                self.balance = natural_balance(len(latents), self.model.balance_of_few)
            self.whitening = fit_parts(latents, self.model.parts, balance=self.balance)
        else:
            self.whitening = fit_whitening(latents)

    def save(self, directory: Path) -> None:
        """Write the encoder's files beside `directory` and rename them into place.

        Raises:
            StorageError: the disk is full or may not be written.
        """
        write_encoder(directory, self.model, self._arrays(), self.config())


def load_encoder(directory: Path, *, device: str = "auto") -> Encoder:
    """Read an encoder that `Encoder.save` wrote.

    Raises:
        EngineError: files are missing, damaged or of another format version.
    """
    saved = read_encoder(directory)
    return Encoder(**vars(saved), device=device)
