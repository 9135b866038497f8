"""A trained encoder: pictures in, embeddings out; saved as a directory of JSON and safetensors.

This module alone knows the names of the files inside an engine's `encoder/` directory.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file

from lookalike.errors import EngineError, SettingsError, StorageError
from lookalike.images.spec import ImageSpec
from lookalike.models import Autoencoder, get_preset
from lookalike.models.autoencoder import Network
from lookalike.parts import PartedWhitening, fit_parts
from lookalike.storage import recover, replace_directory, storage_errors, sync_tree, write_text
from lookalike.training import resolve_device, to_input
from lookalike.types import OnProgress, Progress, silent
from lookalike.whitening import Whitening, fit_whitening

__all__ = ["Encoder", "Reconstructions", "load_encoder"]

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
WHITENING = "whitening.safetensors"
FORMAT = "lookalike-encoder"
VERSION = 1
# What the readers of JSON, safetensors and torch raise on files that are not what they should be.
_DAMAGES = (OSError, RuntimeError, SafetensorError, KeyError, TypeError, ValueError)
BATCH = 256
# Large pictures: this many input values at most in one batch (256 MB of float32).
BATCH_VALUES = 64_000_000


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


class Encoder:
    """A network and what goes with it: how pictures are prepared, how latents are whitened.

    Args:
        model: the network, with `encode(x)` and, where `decodes` is true, `decode(z)`.
        preset: the preset's name.
        image: how pictures are prepared; pixels of this shape go in.
        latent: latent width asked for, None for the preset's own.
        whitening: fitted on the gallery, or None for the bare latent.
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
        device: str = "auto",
    ) -> None:
        self.device = resolve_device(device)
        self.model: Network = model.to(self.device).eval()
        self.preset = preset
        self.image = image
        self.latent = latent
        self.whitening = whitening

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
        self._check(pixels)
        rows = np.arange(len(pixels)) if rows is None else rows
        parts: list[NDArray[np.float32]] = []
        done = 0
        with torch.inference_mode():
            for batch in self._batches(pixels, rows):
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
        return self.whitened(latents)

    def whitened(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the embeddings of bare latents (N, D): whitened, if this encoder whitens."""
        return latents if self.whitening is None else self.whitening.apply(latents)

    def reconstruct(self, pixels: NDArray[np.uint8]) -> Reconstructions:
        """Encode and decode pictures.

        Args:
            pixels: uint8 (N, H, W, C), as `self.image` says.

        Raises:
            SettingsError: the network has no decoder.
        """
        if not isinstance(self.model, Autoencoder):
            raise SettingsError(
                f"preset {self.preset} has no decoder, so it makes no reconstructions"
            )
        self._check(pixels)
        mean = torch.tensor(self.image.mean, device=self.device).view(1, -1, 1, 1)
        std = torch.tensor(self.image.std, device=self.device).view(1, -1, 1, 1)
        pictures, errors = [], []
        with torch.inference_mode():
            for batch in self._batches(pixels, np.arange(len(pixels))):
                rebuilt = self.model.decode(self.model.encode(batch)).float()
                error = ((rebuilt - batch) * std).double().square().mean(dim=(1, 2, 3))
                unit = (rebuilt * std + mean).clamp(0, 1)  # (B, C, H, W)
                errors.append(error.cpu().numpy())
                pictures.append((unit * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy())
        return Reconstructions(np.concatenate(pictures), np.concatenate(errors))

    def _batches(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]
    ) -> Iterator[torch.Tensor]:
        size = max(1, min(BATCH, BATCH_VALUES // int(np.prod(self.image.shape))))
        for start in range(0, len(rows), size):
            yield to_input(pixels[rows[start : start + size]], self.image, self.device)

    def _check(self, pixels: NDArray[np.uint8]) -> None:
        channels, height, width = self.image.shape
        if pixels.dtype != np.uint8 or pixels.shape[1:] != (height, width, channels):
            raise SettingsError(
                f"pixels are {pixels.dtype} {pixels.shape}: "
                f"wanted uint8 (N, {height}, {width}, {channels})"
            )

    def config(self) -> dict[str, Any]:
        """Return what `config.json` holds, but for the format's own fields."""
        config: dict[str, Any] = {
            "preset": self.preset,
            "latent": self.latent,
            "image": self.image.as_dict(),
        }
        if isinstance(self.whitening, PartedWhitening):
            config["balance"] = self.whitening.balance
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

    def fit_whitening(self, latents: NDArray[np.float32], *, balance: float = 0.5) -> None:
        """Fit the half-whitening on a gallery's bare latents, part by part if they have parts.

        Args:
            latents: float32 (N, D), as `latents` gives them.
            balance: how much the meaning counts beside the appearance, of 1; for latents with
                parts.
        """
        if self.model.parts:
            self.whitening = fit_parts(latents, self.model.parts, balance=balance)
        else:
            self.whitening = fit_whitening(latents)

    def save(self, directory: Path) -> None:
        """Write the encoder's files beside `directory` and rename them into place.

        Raises:
            StorageError: the disk is full or may not be written.
        """
        weights = {
            name: tensor.detach().cpu().contiguous()
            for name, tensor in self.model.state_dict().items()
        }
        arrays = self._arrays()
        config = {"format": FORMAT, "version": VERSION, **self.config()}
        beside = directory.with_name(directory.name + ".new")
        with storage_errors(directory):
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
        try:
            save_file(weights, str(beside / WEIGHTS))
            if arrays:
                save_arrays(arrays, str(beside / WHITENING))
        except (OSError, SafetensorError) as error:  # safetensors says so of a full disk
            shutil.rmtree(beside, ignore_errors=True)
            raise StorageError(f"cannot write the encoder to {directory}: {error}") from error
        write_text(beside / CONFIG, json.dumps(config, indent=2) + "\n")
        sync_tree(beside)
        replace_directory(beside, directory)


def load_encoder(directory: Path, *, device: str = "auto") -> Encoder:
    """Read an encoder that `Encoder.save` wrote.

    Raises:
        EngineError: files are missing, damaged or of another format version.
    """
    recover(directory)
    config = _read_config(directory / CONFIG)
    try:
        preset = get_preset(config["preset"])
        image = ImageSpec.from_dict(config["image"])
        model = preset.build(image, config["latent"])
        model.load_state_dict(load_file(str(directory / WEIGHTS)), strict=True)
        whitening = _load_whitening(directory / WHITENING, model, config)
    except (SettingsError, *_DAMAGES) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EngineError(
            f"the encoder in {directory} is damaged ({reason}): train it again"
        ) from error
    return Encoder(
        model, preset.name, image, latent=config["latent"], whitening=whitening, device=device
    )


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text())
    except FileNotFoundError:
        raise EngineError(f"no encoder in {path.parent}: make one with `lookalike train`") from None
    except (OSError, ValueError) as error:
        raise EngineError(f"{path} cannot be read ({error}): train the encoder again") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise EngineError(f"{path} is not a Lookalike encoder")
    if config.get("version") != VERSION:
        raise EngineError(
            f"{path} has format version {config.get('version')!r}, this Lookalike reads {VERSION}: "
            "use the Lookalike that wrote it, or train again"
        )
    return config


def _load_whitening(
    path: Path, model: Network, config: dict[str, Any]
) -> Whitening | PartedWhitening | None:
    if not path.exists():
        return None
    arrays = load_arrays(str(path))
    if model.parts:
        return PartedWhitening.from_arrays(arrays, model.parts, config["balance"])
    return Whitening(**arrays)
