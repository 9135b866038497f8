"""An encoder's ONNX file with its network in 8 bits: a quarter of the weights, and often quicker.

ONNX Runtime's static quantisation: the kernels of convolutions and linear layers become int8, one
scale a filter, what goes into them uint8 by the range it has on some pictures. The preparation, but
for a scaling that the first convolution takes on, the whitening and the parts' weights stay
float32.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from lookalike.encoder.onnx_runtime import onnx_batch
from lookalike.errors import ExportError
from lookalike.images.spec import ImageSpec
from lookalike.storage import storage_errors

__all__ = ["in_eight_bits"]

LAYERS = ("Conv", "Gemm")
# What follows a layer and leaves less of its range: the 8 bits are to be those of what is left.
LIMITS = ("Relu", "Clip")
# What ONNX Runtime looks for before it advises, on the root logger, to do what is done here.
_PREPARED = {"onnx.quant.pre_process": "onnxruntime.quant"}


def in_eight_bits(data: bytes, pixels: NDArray[np.uint8], image: ImageSpec) -> bytes:
    """Return an encoder's ONNX file with its network in 8 bits.

    Args:
        data: the file, as `Recorded.encoder` writes it.
        pixels: pictures as the encoder will get them, uint8 (N, H, W, C): the ranges are theirs.
        image: how pictures are prepared.

    Raises:
        ExportError: there is nothing to turn into 8 bits, or ONNX Runtime cannot.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    with storage_errors(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory() as work:
        joined, quantised = Path(work) / "joined.onnx", Path(work) / "quantised.onnx"
        try:
            _join(data, joined)
            model = onnx.load(joined)
            onnx.helper.set_model_props(model, _PREPARED)
            layers = _layers(model)
            if not layers:
                raise ExportError("the network has no layer that could compute in 8 bits")
            quantize_static(
                model, quantised, _Pictures(pixels, onnx_batch(image)),
                quant_format=QuantFormat.QDQ, per_channel=True, nodes_to_quantize=layers,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            )  # fmt: skip
        except (ExportError, OSError):
            raise
        except Exception as error:  # ONNX Runtime's own, which share no class
            reason = " ".join(str(error).split())
            raise ExportError(
                f"ONNX Runtime cannot turn this encoder into 8 bits: {reason}"
            ) from error
        found = onnx.load(quantised)
    props = {one.key: one.value for one in onnx.load_from_string(data).metadata_props}
    onnx.helper.set_model_props(found, {**props, "precision": "int8"})
    written: bytes = found.SerializeToString()
    return written


def _join(data: bytes, place: Path) -> None:
    """Write the file with batch normalisation joined to the convolutions before it."""
    import onnxruntime

    options: Any = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(place)
    options.log_severity_level = 3  # errors; they are raised as well
    onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _layers(model: onnx.ModelProto) -> list[str]:
    """Name all nodes; return the names of the network's layers: those that make the latents."""
    for number, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}_{number}"
    made_by = {output: node for node in model.graph.node for output in node.output}
    arrays = {array.name for array in model.graph.initializer}
    waiting, known = ["latents"], set[str]()
    while waiting:
        value = waiting.pop()
        if value not in known and value in made_by:
            known.add(value)
            waiting += made_by[value].input
    layers = {
        node.output[0]: node.name
        for node in model.graph.node
        if node.op_type in LAYERS and node.output[0] in known and node.input[1] in arrays
    }
    limits = [
        node.name for node in model.graph.node if node.op_type in LIMITS and node.input[0] in layers
    ]
    return [*layers.values(), *limits] if layers else []


class _Pictures:
    """Pictures, a batch at a time, as ONNX Runtime asks for them."""

    def __init__(self, pixels: NDArray[np.uint8], size: int) -> None:
        self._batches = self._cut(pixels, size)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """Return the next batch; None at the end."""
        return next(self._batches, None)

    @staticmethod
    def _cut(pixels: NDArray[np.uint8], size: int) -> Iterator[dict[str, NDArray[np.uint8]]]:
        for start in range(0, len(pixels), size):
            yield {"pixels": np.ascontiguousarray(pixels[start : start + size])}
