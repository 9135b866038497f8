"""ONNX operators for a network's layers: each takes what torch recorded of one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import torch

from lookalike.encoder.call import Call
from lookalike.encoder.graph import Graph

__all__ = [
    "batch_norm",
    "convolution",
    "linear",
    "pool",
    "resize",
    "transposed_convolution",
    "unshuffle",
]


def pool(operator: str) -> Callable[[Call], str]:
    """Return how a pooling is written, by ONNX's name for it."""

    def write(call: Call) -> str:
        kernel, maximal = list(call.inputs[1]), operator == "MaxPool"
        padding = list(call.get(3, [0, 0]))
        stride = list(call.get(2) or kernel)
        ceil = bool(call.get(5 if maximal else 4, False))
        # Where nothing is left over it means nothing, and hides that two pools are the same.
        ends = zip(call.shape_of_x[2:], kernel, padding, stride, strict=True)
        ceil = ceil and any((side + 2 * pad - size) % step for side, size, pad, step in ends)
        return call.add(
            operator,
            call.x,
            kernel_shape=kernel,
            strides=stride,
            pads=padding * 2,
            ceil_mode=int(ceil),
        )

    return write


def convolution(call: Call) -> str:
    """Write a convolution; one of 1×1 after unshuffled pixels steps over what was there before."""
    x, weight, bias = call.x, str(call.inputs[1]), call.get(2)
    stride, padding, dilation = (
        list(call.get(n, d)) for n, d in ((3, [1, 1]), (4, [0, 0]), (5, [1, 1]))
    )
    x, weight, stride = _unshuffled(call) or (x, weight, stride)
    x, weight = _unscaled(call.graph, x, weight) or (x, weight)
    return call.add(
        "Conv",
        *([x, weight] if bias is None else [x, weight, bias]),
        strides=stride,
        pads=padding * 2,
        dilations=dilation,
        group=call.get(6, 1),
    )


def _unscaled(graph: Graph, x: str, weight: str) -> tuple[str, str] | None:
    """Return pixels as they were before they were scaled, and weights that scale them.

    None where a convolution is not of scaled pixels. They may be padded in between: 0, or what lies
    at the edge, may be scaled before or after.
    """
    pad = graph.maker(x, "Pad")
    scaled = graph.before_scale(x if pad is None else pad.input[0])
    if scaled is None or not graph.holds(weight):
        return None
    pixels, factors = scaled
    kernels = graph.array(weight)
    if len(factors) not in (1, kernels.shape[1]):  # the convolution is of groups of channels
        return None
    if pad is not None:
        pads = graph.array(pad.input[1])
        if len(pad.input) > 2 or pads[[0, 1, 4, 5]].any():
            return None
        mode = onnx.helper.get_node_attr_value(pad, "mode")
        pixels = graph.add("Pad", pixels, pad.input[1], attributes={"mode": mode})
    return pixels, graph.constant(kernels * factors[:, None, None], f"{weight} of {x}")


def _unshuffled(call: Call) -> tuple[str, str, list[int]] | None:
    """Return what a 1×1 convolution of unshuffled pixels is of what they were before.

    It steps from patch to patch: pixels, weights and stride. None of any other convolution.
    """
    before, name = call.node.all_input_nodes[0], str(call.inputs[1])
    if before.target is not torch.ops.aten.pixel_unshuffle.default or not call.graph.holds(name):
        return None
    weight = call.graph.array(name)
    if weight[0, 0].size > 1:
        return None
    factor = int(before.args[1])  # type: ignore[arg-type]
    patches = weight.reshape(len(weight), -1, factor, factor)
    source = str(call.known[before.all_input_nodes[0]])
    return source, call.graph.constant(patches, f"{name} of patches"), [factor] * 2


def transposed_convolution(call: Call) -> str:
    """Write a transposed convolution."""
    x, weight, bias = call.x, str(call.inputs[1]), call.get(2)
    stride, padding, more = (
        list(call.get(n, d)) for n, d in ((3, [1, 1]), (4, [0, 0]), (5, [0, 0]))
    )
    return call.add(
        "ConvTranspose",
        *([x, weight] if bias is None else [x, weight, bias]),
        strides=stride,
        pads=padding * 2,
        output_padding=more,
        group=call.get(6, 1),
    )


def linear(call: Call) -> str:
    """Write a linear layer; it takes on a batch normalisation of the maps that it is of."""
    bias = call.get(2)
    inputs = [call.x, str(call.inputs[1]), *([] if bias is None else [bias])]
    return call.add("Gemm", *(_normalised(call) or inputs), transB=1)


def _normalised(call: Call) -> list[str] | None:
    """Return what a linear layer of flat, normalised maps is of them as they were, and its arrays.

    None of any other linear layer.
    """
    graph, weight, bias = call.graph, str(call.inputs[1]), call.get(2)
    flat = graph.maker(call.x, "Flatten")
    norm = None if flat is None else graph.maker(flat.input[0], "BatchNormalization")
    if norm is None or not graph.holds(weight, *([] if bias is None else [bias]), *norm.input[1:]):
        return None
    gain, offset, mean, variance = (graph.array(one).astype(np.float64) for one in norm.input[1:])
    gain /= np.sqrt(variance + onnx.helper.get_node_attr_value(norm, "epsilon"))
    by_channel = graph.array(weight).reshape(-1, len(gain), call.shape_of_x[1] // len(gain))
    moved = by_channel.sum(axis=2, dtype=np.float64) @ (offset - gain * mean)
    moved += 0 if bias is None else graph.array(bias)
    scaled = by_channel * gain.astype(np.float32)[:, None]
    return [
        graph.add("Flatten", norm.input[0], attributes={"axis": 1}),
        graph.constant(scaled.reshape(len(scaled), -1), f"{weight} of {call.x}"),
        graph.constant(moved.astype(np.float32), f"bias of {weight} of {call.x}"),
    ]


def batch_norm(call: Call) -> str:
    """Write a batch normalisation in evaluation mode."""
    channels = call.shape[1]
    ones, zeros = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    weight, bias = call.inputs[1], call.inputs[2]
    return call.add(
        "BatchNormalization",
        call.x,
        weight or call.graph.constant(ones),
        bias or call.graph.constant(zeros),
        str(call.inputs[3]),
        str(call.inputs[4]),
        epsilon=call.inputs[7],
    )


def unshuffle(call: Call) -> str:
    """Write patches of pixels that become channels."""
    factor = call.inputs[1]
    channels, height, width = call.shape_of_x[1:]
    cut = [0, channels, height // factor, factor, width // factor, factor]
    x = call.add("Reshape", call.x, call.graph.integers(cut))
    x = call.add("Transpose", x, perm=[0, 1, 3, 5, 2, 4])
    return call.add("Reshape", x, call.graph.integers([0, *call.shape[1:]]))


def resize(mode: str, places: str) -> Callable[[Call], str]:
    """Return how a change of size is written, by ONNX's mode and where it has pixels lie."""

    def write(call: Call) -> str:
        sizes = call.graph.integers(call.shape[2:])
        return call.add(
            "Resize", call.x, "", "", sizes, mode=mode, axes=[2, 3],
            coordinate_transformation_mode=places, nearest_mode="floor",
        )  # fmt: skip

    return write
