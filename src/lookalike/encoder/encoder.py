"""A trained encoder: pictures in, embeddings out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.encoder.decoder import Decoder, Embedded, Reconstructions
from lookalike.encoder.files import StoredEncoder, fingerprint_of, read_encoder, write_encoder
from lookalike.encoder.finish import Finish
from lookalike.encoder.network import HeldNetwork
from lookalike.encoder.onnx_runtime import OnnxRuntime
from lookalike.encoder.runtime import collect
from lookalike.encoder.shapes import check_pixels
from lookalike.errors import SettingsError
from lookalike.images.spec import ImageSpec
from lookalike.parts import PartedWhitening
from lookalike.types import OnProgress, silent
from lookalike.whitening import Whitening

if TYPE_CHECKING:
    import torch

    from lookalike.encoder.exporting import Recorded
    from lookalike.models.autoencoder import Network

__all__ = ["Encoder", "load_encoder"]


class Encoder(Finish):
    """A network and what goes with it: how pictures are prepared, how latents are whitened.

    Args:
        model: the network, with `encode(x)` and, where `decodes` is true, `decode(z)`; or what is
            stored of it.
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
        model: Network | StoredEncoder,
        preset: str,
        image: ImageSpec,
        *,
        latent: int | None = None,
        whitening: Whitening | PartedWhitening | None = None,
        mirrors: bool = False,
        balance: float | None = None,
        device: str = "auto",
    ) -> None:
        self._network = HeldNetwork(model, image, device)
        self._stored = (whitening, mirrors)
        super().__init__(preset, self._network.outline, whitening, mirrors, balance)
        self.image = image
        self.latent = latent

    @property
    def decodes(self) -> bool:
        """Whether the network has a decoder."""
        return self.outline.decodes

    @property
    def model(self) -> Network:
        """The network, built when it is first asked for.

        Raises:
            EngineError: the stored weights are not of this network.
        """
        return self._network.model

    @property
    def device(self) -> torch.device:
        """Where torch runs the network."""
        return self._network.device

    def freeze(self) -> None:
        """Say that the weights stay as they are: on the CPU, ONNX Runtime runs them from now on."""
        self._network.freeze()

    def recorded(self) -> Recorded:
        """Return the network as torch recorded it, for what writes ONNX files.

        Raises:
            ExportError: torch cannot record it.
        """
        return self._network.recorded()

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
        given = self._network.runtime(len(rows)).latents(pixels, rows)
        return collect(given, len(rows), self.outline.width, on_progress)

    def begin_latents(self, pixels: NDArray[np.uint8]) -> list[Future[NDArray[np.float32]]]:
        """Begin to embed pictures; return where the bare latents of each batch will be.

        Call after call the processor is kept busy without a pause. What torch runs is done when
        this returns.

        Args:
            pixels: uint8 (N, H, W, C), as `self.image` says; they must stay as they are until then.

        Returns:
            float32 (B, D) for each batch, all together (N, D).
        """
        runtime = self._network.runtime(len(pixels))
        if isinstance(runtime, OnnxRuntime):
            return runtime.begin(pixels, "latents")
        return [_done(self.latents(pixels))]

    def begin_embeddings(self, pixels: NDArray[np.uint8]) -> list[Future[NDArray[np.float32]]]:
        """Begin what `embed` does; see `begin_latents`."""
        whole = self._whole(len(pixels))
        if whole is not None:
            return whole.begin(pixels, "embedding")
        return [_done(self.embed(pixels))]

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
        check_pixels(pixels, self.image)
        rows = np.arange(len(pixels)) if rows is None else rows
        whole = self._whole(len(rows))
        if whole is not None:
            given = whole.embeddings(pixels, rows)
            return collect(given, len(rows), sum(self.widths), on_progress)
        latents = self.latents(pixels, rows, on_progress=on_progress)
        return self.finish(latents, pixels, rows, on_progress=on_progress)

    def embed_with_errors(
        self, pixels: NDArray[np.uint8], *, on_progress: OnProgress = silent
    ) -> Embedded:
        """Return what `embed` gives and the errors of `reconstruct`, by one look where it can be.

        Raises:
            SettingsError: the network has no decoder.
        """
        rows, decoder = np.arange(len(pixels)), self.decoder
        whole = self._whole(len(rows))
        if whole is None:
            embedded = self.embed(pixels, on_progress=on_progress)
            return Embedded(embedded, decoder.errors(pixels, rows))
        errors: list[NDArray[np.float64]] = [np.zeros(0)]

        def embeddings() -> Iterator[NDArray[np.float32]]:
            for found, error in whole.embeddings_and_errors(pixels, rows):
                errors.append(error)
                yield found

        embedded = collect(embeddings(), len(rows), sum(self.widths), on_progress)
        return Embedded(embedded, np.concatenate(errors))

    def _whole(self, pictures: int) -> OnnxRuntime | None:
        """Return what gives the embeddings of so many pictures at once; None where nothing does."""
        whitening, mirrors = self._stored
        if self.whitening is whitening and self.mirrors == mirrors:
            return self._network.whole(pictures)
        return None

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

    @property
    def decoder(self) -> Decoder:
        """The network's decoder.

        Raises:
            SettingsError: it has none.
        """
        if not self.decodes:
            raise SettingsError(
                f"preset {self.preset} has no decoder, so it makes no pictures: "
                "build with another preset, such as twin"
            )
        return Decoder(self._network)

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
        return fingerprint_of(self.config(), self._network.weights(), self._arrays())

    def save(self, directory: Path) -> None:
        """Write the encoder's files beside `directory` and rename them into place.

        Raises:
            StorageError: the disk is full or may not be written.
        """
        from lookalike.encoder.onnx_files import onnx_files

        write_encoder(
            directory,
            self._network.weights(),
            self._arrays(),
            self.config(),
            self.outline,
            onnx_files(self),
        )


def load_encoder(directory: Path, *, device: str = "auto") -> Encoder:
    """Read an encoder that `Encoder.save` wrote.

    Raises:
        EngineError: files are missing, damaged or of another format version.
        SettingsError: there is no such device.
    """
    stored = read_encoder(directory)
    return Encoder(
        stored,
        stored.preset,
        stored.image,
        latent=stored.latent,
        whitening=stored.whitening,
        mirrors=stored.mirrors,
        balance=stored.balance,
        device=device,
    )


def _done(rows: NDArray[np.float32]) -> Future[NDArray[np.float32]]:
    future: Future[NDArray[np.float32]] = Future()
    future.set_result(rows)
    return future
