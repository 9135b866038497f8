"""The ONNX files of an encoder: what they say of themselves, and the check before one is kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lookalike.encoder.exporting import Recorded, made_up_pictures
from lookalike.encoder.files import DECODER, ENCODER
from lookalike.encoder.onnx_runtime import OnnxRuntime
from lookalike.encoder.torch_runtime import TorchRuntime
from lookalike.errors import ExportError

if TYPE_CHECKING:
    from lookalike.encoder.encoder import Encoder

__all__ = ["TOLERANCE", "ExportedEncoder", "export_encoder", "onnx_files"]

TOLERANCE = 1e-4
"""How far what an ONNX file gives may be from what torch gives."""


@dataclass(frozen=True)
class ExportedEncoder:
    """An encoder as one ONNX file.

    Attributes:
        data: the file.
        width: numbers of an embedding.
        difference: the largest between its embeddings and torch's.
        pictures: that were compared.
    """

    data: bytes
    width: int
    difference: float
    pictures: int


def export_encoder(encoder: Encoder, pixels: NDArray[np.uint8] | None = None) -> ExportedEncoder:
    """Return an encoder as an ONNX file that takes pixels and gives embeddings.

    Args:
        encoder: it is left as it is.
        pixels: pictures to check the file on, uint8 (N, H, W, C), beside some that are made up.

    Raises:
        ExportError: it cannot be written as ONNX, or does not give what torch gives.
    """
    return _written(encoder, encoder.recorded(), pixels)


def _written(
    encoder: Encoder, recorded: Recorded, pixels: NDArray[np.uint8] | None = None
) -> ExportedEncoder:
    made_up = made_up_pictures(encoder.image)
    pixels = made_up if pixels is None else np.concatenate([made_up, pixels])
    facts = _facts(encoder)
    data = recorded.encoder(encoder.whitening, mirrors=encoder.mirrors, facts=facts)
    worst = _check(encoder, recorded, OnnxRuntime(encoder.image, data), pixels)
    return ExportedEncoder(data, sum(encoder.widths), worst, len(pixels))


def onnx_files(encoder: Encoder) -> dict[str, bytes]:
    """Return the files that are kept with an encoder, by name; none where there cannot be any.

    Without them, torch runs the encoder.
    """
    try:
        recorded = encoder.recorded()
        files = {ENCODER: _written(encoder, recorded).data}
        decoder = recorded.decoder({"fingerprint": encoder.fingerprint})
        if decoder is not None:
            _check_decoder(recorded, files[ENCODER], decoder)
            files[DECODER] = decoder
    except ExportError:
        return {}
    return files


def _facts(encoder: Encoder) -> dict[str, str]:
    """Return what the file says of itself; every value is text, lists and such are JSON."""
    parts = [
        {"name": part.name, "role": part.role, "width": width}
        for part, width in zip(encoder.outline.parts, encoder.widths, strict=False)
    ]
    return {
        "fingerprint": encoder.fingerprint,
        "preset": encoder.preset,
        "image": json.dumps(encoder.image.as_dict()),
        "parts": json.dumps(parts),
        "whitened": json.dumps(encoder.whitening is not None),
        "mirrors": json.dumps(encoder.mirrors and encoder.whitening is not None),
    }


def _check(
    encoder: Encoder, recorded: Recorded, written: OnnxRuntime, pixels: NDArray[np.uint8]
) -> float:
    """Return the largest difference to torch.

    Raises:
        ExportError: it is too large.
    """
    rows = np.arange(len(pixels))
    by_torch = TorchRuntime(recorded.model, encoder.image, torch.device("cpu"))
    latents = np.concatenate([*by_torch.latents(pixels, rows)])
    turned = None
    if encoder.mirrors:
        turned = np.concatenate([*by_torch.latents(pixels[:, :, ::-1], rows)])
    worst = max(
        _difference(np.concatenate([*written.latents(pixels, rows)]), latents),
        _difference(
            np.concatenate([*written.embeddings(pixels, rows)]), encoder.whitened(latents, turned)
        ),
    )
    return _accept(worst, "embeddings")


def _check_decoder(recorded: Recorded, encoder_file: bytes, decoder_file: bytes) -> None:
    """Compare what both decoders make of made-up pictures; raises as `_check`."""
    pixels = made_up_pictures(recorded.image)
    rows = np.arange(len(pixels))
    by_torch = TorchRuntime(recorded.model, recorded.image, torch.device("cpu"))
    written = OnnxRuntime(recorded.image, encoder_file, decoder_file)
    found, wanted = (
        np.concatenate([rebuilt for rebuilt, _ in runtime.rebuilt(pixels, rows)])
        for runtime in (written, by_torch)
    )
    _accept(_difference(found, wanted), "reconstructions")


def _difference(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Return the largest difference, relative to numbers that are above 1."""
    if not wanted.size:
        return 0.0
    return float(np.abs(found - wanted).max() / max(1.0, float(np.abs(wanted).max())))


def _accept(worst: float, what: str) -> float:
    if not worst <= TOLERANCE:  # also what is no number
        raise ExportError(
            f"the ONNX file gives {what} that differ from torch's by {worst:.1g}, wanted at most "
            f"{TOLERANCE:g}: search with the engine as it is, it needs no ONNX file"
        )
    return worst
