"""Writing an encoder as an ONNX file: pixels in, embeddings out, and nothing else to know.

What the file does: a byte becomes (byte / 255 - mean) / std, the network makes the latent of it,
and the whitening, the parts' weights and the mirror image make of that what a search compares.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import ModelProto
from torch import Tensor, nn
from torch.export import ExportedProgram

from lookalike.encoder.graph import Graph, tensor
from lookalike.encoder.recording import record, write_operators
from lookalike.errors import ExportError
from lookalike.images.spec import ImageSpec
from lookalike.models.autoencoder import Autoencoder, Network
from lookalike.parts import PartedWhitening
from lookalike.whitening import Whitening

__all__ = ["Recorded", "made_up_pictures"]


class Recorded:
    """A network as torch recorded it, ready to be written in any number of ways.

    Args:
        model: the network; it is left as it is.
        image: how pictures are prepared.

    Attributes:
        model: a copy of the network as it was then, on the CPU.

    Raises:
        ExportError: torch cannot record it.
    """

    def __init__(self, model: Network, image: ImageSpec) -> None:
        self.image = image
        self.model = model = copy.deepcopy(model).cpu().eval()
        self.latent_shape: tuple[int, ...] = model.latent_shape
        # Two pictures: of one, torch would take the batch for a side that is always 1.
        self._encode = record(_Encode(model), torch.zeros(2, *image.shape))
        self._decode: ExportedProgram | None = None
        if isinstance(model, Autoencoder):
            z = torch.zeros(2, int(np.prod(model.latent_shape)))
            self._decode = record(_Decode(model), z)

    def encoder(
        self,
        whitening: Whitening | PartedWhitening | None = None,
        *,
        mirrors: bool = False,
        facts: Mapping[str, str] | None = None,
    ) -> bytes:
        """Return the ONNX file of the encoder: "pixels" in, "embedding" and "latents" out.

        Args:
            whitening: of the latents; None for the bare ones.
            mirrors: whitened, a picture and its mirror image have one embedding.
            facts: written into the file's metadata.

        Raises:
            ExportError: an operation cannot be written.
        """
        graph = Graph()
        channels, height, width = self.image.shape
        pixels, both = "pixels", mirrors and isinstance(whitening, PartedWhitening)
        if both:
            pixels = graph.add("Concat", pixels, _turned(graph, pixels), attributes={"axis": 0})
        latents = write_operators(graph, self._encode, _prepared(graph, pixels, self.image))
        embedding = _whitened(graph, latents, whitening)
        if both and isinstance(whitening, PartedWhitening):
            latents, _ = graph.halves(latents)
            embedding = _between(graph, *graph.halves(embedding), whitening)
        latent_width = int(np.prod(self.latent_shape))
        embedding_width = latent_width if whitening is None else _width(whitening)
        model = graph.model(
            [tensor("pixels", np.uint8, ["pictures", height, width, channels])],
            {
                "embedding": (
                    embedding,
                    tensor("embedding", np.float32, ["pictures", embedding_width]),
                ),
                "latents": (latents, tensor("latents", np.float32, ["pictures", latent_width])),
            },
            facts or {},
        )
        return _bytes(model)

    def decoder(self, facts: Mapping[str, str] | None = None) -> bytes | None:
        """Return the ONNX file of the decoder, "latents" in and "pictures" out; None without one.

        Raises:
            ExportError: an operation cannot be written.
        """
        if self._decode is None:
            return None
        graph = Graph()
        channels, height, width = self.image.shape
        pictures = write_operators(graph, self._decode, "latents")
        pictures = _unit(graph, pictures, self.image)
        latent_width = int(np.prod(self.latent_shape))
        model = graph.model(
            [tensor("latents", np.float32, ["pictures", latent_width])],
            {
                "pictures": (
                    pictures,
                    tensor("pictures", np.float32, ["pictures", height, width, channels]),
                )
            },
            facts or {},
        )
        return _bytes(model)


class _Encode(nn.Module):
    def __init__(self, model: Network) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model.encode(x).flatten(1)


class _Decode(nn.Module):
    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: Tensor) -> Tensor:
        return self.model.decode(z.reshape(-1, *self.model.latent_shape))


def _prepared(graph: Graph, pixels: str, image: ImageSpec) -> str:
    """Write (pixels / 255 - mean) / std, channels first."""
    x = graph.add("Transpose", pixels, attributes={"perm": [0, 3, 1, 2]})
    x = graph.add("Cast", x, attributes={"to": 1})
    std, mean = np.array(image.std, np.float64), np.array(image.mean, np.float64)
    if mean.any():
        centre = (255 * mean).astype(np.float32).reshape(1, -1, 1, 1)
        x = graph.add("Sub", x, graph.constant(centre))
    return graph.scale(x, (1 / (255 * std)).astype(np.float32))


def _unit(graph: Graph, x: str, image: ImageSpec) -> str:
    """Write pictures x · std + mean, channels last."""
    for operator, values, nothing in (("Mul", image.std, 1), ("Add", image.mean, 0)):
        if any(value != nothing for value in values):
            given = np.array(values, np.float32).reshape(1, -1, 1, 1)
            x = graph.add(operator, x, graph.constant(given))
    return graph.add("Transpose", x, attributes={"perm": [0, 2, 3, 1]})


def _turned(graph: Graph, pixels: str) -> str:
    """Write pictures (N, H, W, C) mirrored left to right."""
    edges = ([-1], [np.iinfo(np.int64).min], [2], [-1])  # from, to, axis, step
    return graph.add("Slice", pixels, *(graph.integers(edge) for edge in edges))


def _whitened(graph: Graph, latents: str, whitening: Whitening | PartedWhitening | None) -> str:
    """Write what `whitening.apply` does."""
    if whitening is None:
        return latents
    if isinstance(whitening, Whitening):
        return _white(graph, latents, whitening, 1.0)
    widths = [part.width for part in whitening.parts]
    pieces = graph.pieces(latents, widths)
    whites = [
        _white(graph, *piece)
        for piece in zip(pieces, whitening.whitenings, whitening.weights, strict=True)
    ]
    return graph.add("Concat", *whites, attributes={"axis": 1})


def _white(graph: Graph, latents: str, whitening: Whitening, weight: float) -> str:
    axes = whitening.components.T.astype(np.float64) / whitening.scale
    centred = graph.add("Sub", latents, graph.constant(whitening.mean))
    rows = graph.add("MatMul", centred, graph.constant(axes.astype(np.float32)))
    return _long(graph, rows, weight)


def _between(graph: Graph, one: str, other: str, whitening: PartedWhitening) -> str:
    """Write what `whitening.mean` does of embeddings and those of the mirror images."""
    total = graph.add("Add", one, other)
    pieces = graph.pieces(total, [len(part.scale) for part in whitening.whitenings])
    long = [
        _long(graph, piece, weight) for piece, weight in zip(pieces, whitening.weights, strict=True)
    ]
    return graph.add("Concat", *long, attributes={"axis": 1})


def _long(graph: Graph, rows: str, weight: float) -> str:
    """Write rows scaled to a length of √weight; a row of zeros stays one."""
    length = graph.add("ReduceL2", rows, graph.integers([1]), attributes={"keepdims": 1})
    length = graph.add("Max", length, graph.number(float(np.finfo(np.float32).tiny)))
    unit = graph.add("Div", rows, length)
    return unit if weight == 1 else graph.add("Mul", unit, graph.number(weight**0.5))


def _width(whitening: Whitening | PartedWhitening) -> int:
    parts = whitening.whitenings if isinstance(whitening, PartedWhitening) else (whitening,)
    return sum(len(part.scale) for part in parts)


def _bytes(model: ModelProto) -> bytes:
    try:
        return bytes(model.SerializeToString())
    except ValueError as error:  # what protobuf says of more than 2 GB
        raise ExportError(f"the network is too large for one ONNX file: {error}") from error


def made_up_pictures(image: ImageSpec, count: int = 3) -> NDArray[np.uint8]:
    """Return pictures (N, H, W, C) to try a file on: smooth ones, noise, and one that is black."""
    random = np.random.default_rng(0)
    channels, height, width = image.shape
    down, across = np.mgrid[0:height, 0:width] / max(height, width)
    waves = random.uniform(-9, 9, (count, 2, channels, 1, 1))
    smooth = np.sin(waves[:, 0] * down + waves[:, 1] * across)  # (N, C, H, W)
    noise = random.normal(0, 1, smooth.shape) * np.linspace(0, 0.3, count)[:, None, None, None]
    pixels = np.clip((smooth + noise + 1) * 127.5, 0, 255).transpose(0, 2, 3, 1)
    pixels[-1] = 0
    return np.ascontiguousarray(pixels.astype(np.uint8))
